import { type Rule, rank, rule } from "../Rule.ts"

const { file, specific, summary } = rank

/** Distributions whose import name is another. */
const distributions: Readonly<Record<string, string>> = {
  PIL: "Pillow",
  bs4: "beautifulsoup4",
  cv2: "opencv-python-headless",
  dateutil: "python-dateutil",
  dotenv: "python-dotenv",
  jwt: "PyJWT",
  pkg_resources: "setuptools",
  psycopg2: "psycopg2-binary",
  sklearn: "scikit-learn",
  yaml: "PyYAML"
}

/** pip, poetry, uv, and Python itself. */
export const pythonRules: ReadonlyArray<Rule> = [
  rule(
    "package-missing",
    specific,
    /^ERROR: No matching distribution found for (?<package>[^\s(;]{1,120})/i,
    "No release of {package} fits: correct its name or version in the requirements, or use the Python version that it wants."
  ),
  rule(
    "package-missing",
    specific - 1,
    /Could not find a version that satisfies the requirement (?<package>[^\s(;]{1,120})|Because (?<other>\S{1,100}) was not found in the package registry|depends on \S{1,60} \(\S{1,60}\) which doesn't match any versions/i,
    (found) =>
      `No release of ${found("package") || found("other") || "the package"} fits: correct its name or version in the requirements, or use the Python version that it wants.`
  ),
  rule(
    "dependency-conflict",
    specific + 1,
    /^ERROR: ResolutionImpossible|ERROR: Cannot install .{1,300} because these package versions have conflicting dependencies|ResolutionTooDeep|version solving failed|No solution found when resolving|these package versions have incompatible|requires a different Python: /i,
    "Let the pinned versions in the requirements agree: loosen the one that pip names."
  ),
  rule(
    "dependency-install",
    specific,
    /^error: externally-managed-environment/i,
    "Install into a virtual environment (python3 -m venv), or pass --break-system-packages to pip."
  ),
  rule(
    "dependency-install",
    specific,
    /THESE PACKAGES DO NOT MATCH THE HASHES/i,
    "The hash in the requirements is not the package's: pin it anew."
  ),
  rule(
    "syntax-error",
    specific,
    /^ERROR: Invalid requirement|error: Invalid (?:statement|value) \(at line|tomllib\.TOMLDecodeError|InvalidRequirement|Failed to parse `?pyproject/i,
    "Mend the requirement line that pip names."
  ),
  rule(
    "file-missing",
    file + 5,
    /^ERROR: (?:Could not open requirements file: \[Errno 2\] No such file or directory: '(?<path>[^']{1,200})'|(?:Directory|file) '(?<other>[^']{1,200})' (?:is not installable|does not exist))/i,
    (found) => `COPY ${found("path") || found("other")} into the image before pip runs.`
  ),
  rule(
    "dependency-install",
    summary + 3,
    /^(?:\s*)ERROR: (?:Failed (?:building wheel|to build)|Could not build wheels|.{0,60}metadata-generation-failed|.{0,80}is not a supported wheel)|^error: (?:metadata-generation-failed|legacy-install-failure|subprocess-exited-with-error)|Failed to build installable wheels|Error: pg_config executable not found/i
  ),
  rule("module-missing", specific, /ModuleNotFoundError: No module named '?(?<module>[\w.]{1,120})'?/, (found) => {
    const module = found("module").split(".")[0] ?? ""
    return `Install the Python module ${module}: add \`${distributions[module] ?? module}\` to the requirements, or COPY it if it is your own and set PYTHONPATH.`
  }),
  rule(
    "module-missing",
    specific - 1,
    /ImportError: (?:cannot import name '(?<name>[^']{1,100})'|No module named (?<module>\S{1,100})|attempted relative import)|\/python\S{0,20}: No module named (?<other>[\w.]{1,100})|Error: No module named /,
    "Install the module that is imported, or a version of it that has what is imported."
  ),
  rule(
    "syntax-error",
    specific + 1,
    /^(?:E\b)?\s*(?:\S{1,60}: )?(?:SyntaxError|IndentationError|TabError): (?<message>.{1,150})|json\.decoder\.JSONDecodeError|yaml\.(?:scanner|parser)\.\w{1,20}Error|Sorry: (?:Indentation|Syntax)Error/,
    "Mend the syntax error ({message}) in the file and line that stand above it."
  )
]
