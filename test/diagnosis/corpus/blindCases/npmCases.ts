import { type BlindCase, text } from "./BlindCase.ts"

const manifest = (more: object): string => JSON.stringify({ name: "storefront", version: "2.3.0", ...more }, null, 2)

/** Node.js projects: what npm, bundlers and compilers say. */
export const npmCases: ReadonlyArray<BlindCase> = [
  {
    name: "npm-package-404",
    label: "package-missing",
    phase: "build",
    project: "storefront",
    note: "a dependency that the public registry doesn't have",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY package.json ./
      RUN npm install
      COPY . .
      CMD ["node", "server.js"]
    `,
    files: {
      "package.json": manifest({
        dependencies: { "is-number": "^7.0.0", "@storefront-internal-ui/design-tokens": "^4.2.0" }
      })
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "404 Not Found"
  },
  {
    name: "npm-version-gone",
    label: "package-missing",
    also: ["dependency-conflict"],
    phase: "build",
    project: "storefront",
    note: "a version that was never published",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /usr/src/app
      COPY package.json .
      RUN npm install --omit=dev --no-audit --no-fund
    `,
    files: { "package.json": manifest({ dependencies: { "is-odd": "^99.1.0" } }) },
    step: { kind: "instruction", number: 4 },
    errorContains: "No matching version found for is-odd@^99.1.0"
  },
  {
    name: "npm-eresolve",
    label: "dependency-conflict",
    phase: "build",
    project: "storefront",
    note: "peer dependencies that exclude each other",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY package.json ./
      RUN npm install
      COPY . .
      RUN npm run build
    `,
    files: {
      "package.json": manifest({
        private: true,
        scripts: { build: "vite build" },
        dependencies: { react: "^18.2.0", "react-dom": "^18.2.0", "@material-ui/core": "^4.12.4" }
      })
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "ERESOLVE"
  },
  {
    name: "npm-ci-out-of-sync",
    label: "dependency-conflict",
    also: ["dependency-install"],
    phase: "build",
    project: "storefront",
    note: "npm ci with a lock file that knows an older package.json",
    dockerfile: text`
      FROM BASE/node:20 AS deps
      WORKDIR /app
      COPY package.json package-lock.json ./
      RUN npm ci

      FROM BASE/node:20
      COPY --from=deps /app/node_modules /app/node_modules
    `,
    files: {
      "package.json": manifest({ dependencies: { "is-number": "^7.0.0", "left-pad": "^1.3.0" } }),
      "package-lock.json": JSON.stringify(
        {
          name: "storefront",
          version: "2.3.0",
          lockfileVersion: 3,
          requires: true,
          packages: {
            "": { name: "storefront", version: "2.3.0", dependencies: { "is-number": "^7.0.0" } },
            "node_modules/is-number": {
              version: "7.0.0",
              resolved: "https://registry.npmjs.org/is-number/-/is-number-7.0.0.tgz",
              integrity:
                "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng=="
            }
          }
        },
        null,
        2
      )
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "Missing: left-pad@1.3.0 from lock file"
  },
  {
    name: "npm-ci-without-lock-file",
    label: "dependency-install",
    also: ["file-missing"],
    phase: "build",
    project: "storefront",
    note: "npm ci in a repository without a lock file",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY . .
      RUN npm ci --omit=dev
    `,
    files: { "package.json": manifest({ dependencies: { "is-number": "^7.0.0" } }), "server.js": "\n" },
    step: { kind: "instruction", number: 4 },
    errorContains: "can only install with an existing package-lock.json"
  },
  {
    name: "npm-native-addon",
    label: "dependency-install",
    also: ["compile-error", "command-not-found", "name-resolution"],
    phase: "build",
    project: "storefront",
    note: "a native addon without a prebuilt binary in reach, and node-gyp without Python: pages of gyp's own noise",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY package.json ./
      RUN npm install --no-audit --no-fund
      COPY . .
    `,
    files: { "package.json": manifest({ dependencies: { bcrypt: "5.0.1", "is-number": "^7.0.0" } }) },
    step: { kind: "instruction", number: 4 },
    errorContains: "Could not find any Python installation to use"
  },
  {
    name: "npm-engine-strict",
    label: "dependency-conflict",
    also: ["dependency-install"],
    phase: "build",
    project: "storefront",
    note: "engine-strict, and a newer Node wanted than the base image has",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY package.json .npmrc ./
      RUN npm install
    `,
    files: {
      ".npmrc": "engine-strict=true\n",
      "package.json": manifest({ engines: { node: ">=22.12" }, dependencies: { "is-number": "^7.0.0" } })
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "EBADENGINE"
  },
  {
    name: "npm-broken-manifest",
    label: "syntax-error",
    phase: "build",
    project: "storefront",
    note: "a comma too many in package.json",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY package.json ./
      RUN npm install
    `,
    files: {
      "package.json": text`
        {
          "name": "storefront",
          "version": "2.3.0",
          "dependencies": {
            "is-number": "^7.0.0",
          }
        }
      `
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "JSON"
  },
  {
    name: "npm-script-missing",
    label: "command-not-found",
    also: ["command-failed", "missing-configuration"],
    phase: "build",
    project: "storefront",
    note: "a Dockerfile that runs a script which package.json doesn't have",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY package.json ./
      RUN npm install && npm run build:prod
    `,
    files: {
      "package.json": manifest({
        scripts: { build: "node build.js", test: "node --test" },
        dependencies: { "is-number": "^7.0.0" }
      })
    },
    step: { kind: "instruction", number: 4 },
    errorContains: 'Missing script: "build:prod"'
  },
  {
    name: "npm-untrusted-certificate",
    label: "tls-verification",
    phase: "build",
    project: "storefront",
    note: "a proxy that signs with a certificate of its own, which the image doesn't trust",
    dockerfile: text`
      FROM BASE/node:20
      ENV NODE_EXTRA_CA_CERTS=
      WORKDIR /app
      COPY package.json ./
      RUN npm install --fetch-retries=0
    `,
    files: { "package.json": manifest({ dependencies: { "is-number": "^7.0.0", "is-odd": "^3.0.0" } }) },
    step: { kind: "instruction", number: 5 },
    errorContains: "CERT"
  },
  {
    name: "npm-not-the-owner",
    label: "permission-denied",
    phase: "build",
    project: "storefront",
    note: "npm install as a user in a folder of root's",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY package.json ./
      USER node
      RUN npm install --no-audit --no-fund
      CMD ["node", "server.js"]
    `,
    files: { "package.json": manifest({ dependencies: { "is-number": "^7.0.0" } }) },
    step: { kind: "instruction", number: 5 },
    errorContains: "EACCES"
  },
  {
    name: "typescript-type-error",
    label: "compile-error",
    phase: "build",
    project: "storefront",
    note: "tsc finds type errors; npm's own words come last",
    dockerfile: text`
      FROM BASE/node:20 AS build
      WORKDIR /app
      COPY package.json tsconfig.json ./
      RUN npm install --no-audit --no-fund
      COPY src ./src
      RUN npm run build

      FROM BASE/node:20
      COPY --from=build /app/dist /app
    `,
    files: {
      "package.json": manifest({
        scripts: { prebuild: "echo 'warning: error reporting is not set up (0 errors so far)'", build: "tsc -p ." },
        devDependencies: { typescript: "5.4.5" }
      }),
      "tsconfig.json": JSON.stringify({
        compilerOptions: { strict: true, outDir: "dist", target: "es2022", module: "commonjs" },
        include: ["src"]
      }),
      "src/cart.ts": text`
        export interface Line { readonly sku: string; readonly price: number; readonly quantity: number }

        export const total = (lines: readonly Line[]): number =>
          lines.reduce((sum, line) => sum + line.price * line.quantity, 0)
      `,
      "src/checkout.ts": text`
        import { total } from "./cart"

        export function receipt(lines: { sku: string; price: string; quantity: number }[]): string {
          const due: string = total(lines)
          return "Total: " + due.toFixd(2)
        }
      `
    },
    step: { kind: "instruction", number: 6 },
    errorContains: "error TS2322"
  },
  {
    name: "bundler-cannot-resolve",
    label: "module-missing",
    also: ["file-missing", "compile-error"],
    phase: "build",
    project: "storefront",
    note: "a mistyped relative import stops esbuild",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY package.json ./
      RUN npm install --no-audit --no-fund
      COPY src ./src
      RUN npx esbuild src/index.js --bundle --platform=node --outfile=dist/index.js
    `,
    files: {
      "package.json": manifest({ devDependencies: { esbuild: "0.20.2" } }),
      "src/index.js":
        'import { format } from "./utils/fromat"\nimport http from "http"\nhttp.createServer(format).listen(3000)\n',
      "src/utils/format.js": "export const format = (req, res) => res.end()\n"
    },
    step: { kind: "instruction", number: 6 },
    errorContains: "Could not resolve"
  },
  {
    name: "node-heap-exhausted",
    label: "out-of-memory",
    also: ["crash"],
    phase: "build",
    project: "storefront",
    note: "a code generator outgrows the heap that NODE_OPTIONS leaves it: V8 gives up with signal 6",
    dockerfile: text`
      FROM BASE/node:20
      ENV NODE_OPTIONS=--max-old-space-size=48
      WORKDIR /app
      COPY generate.js ./
      RUN node generate.js
    `,
    files: {
      "generate.js": text`
        const table = []
        for (let row = 0; ; row++) {
          if (row % 100000 === 0) console.log("generating rows", row)
          table.push({ row, label: "row number " + row, tags: [row % 7, row % 11] })
        }
      `
    },
    step: { kind: "instruction", number: 5 },
    errorContains: "JavaScript heap out of memory"
  },
  {
    name: "node-postinstall-fails",
    label: "module-missing",
    also: ["dependency-install", "file-missing"],
    phase: "build",
    project: "storefront",
    note: "the project's own postinstall script wants a file that is copied only later; npm wraps Node's error",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY package.json ./
      RUN npm install
      COPY . .
    `,
    files: {
      "package.json": manifest({
        scripts: { postinstall: "node scripts/patch-deps.js" },
        dependencies: { "is-number": "^7.0.0" }
      }),
      "scripts/patch-deps.js": "require('fs').writeFileSync('patched', '')\n"
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "Cannot find module '/app/scripts/patch-deps.js'"
  }
]
