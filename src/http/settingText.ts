import { Config, ConfigError, Either, Option } from "effect"

/** A variable without the blanks around it; none when it is unset or empty. */
export const settingText = (name: string): Config.Config<Option.Option<string>> =>
  Config.string(name).pipe(
    Config.map((value) => value.trim()),
    Config.option,
    Config.map(Option.filter((value) => value !== ""))
  )

/** The same as what `check` makes of it; a fault names the variable, and the value only where `check` repeats it. */
export const checkedSetting = <A>(
  name: string,
  check: (value: string) => Either.Either<A, string>
): Config.Config<Option.Option<A>> =>
  Config.mapOrFail(
    settingText(name),
    Option.match({
      onNone: () => Either.right(Option.none<A>()),
      onSome: (value) =>
        Either.mapBoth(check(value), { onLeft: (why) => ConfigError.InvalidData([name], why), onRight: Option.some })
    })
  )
