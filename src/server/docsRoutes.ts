import { HttpRouter, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import { openApi } from "../api/openApi.ts"
import { version } from "../version.ts"
import { docsPage } from "./docsPage.ts"
import { jsonAnswer } from "./jsonAnswer.ts"

const cached = { "cache-control": "public, max-age=300" }

/** Made once, at the first question: they are open to everybody, and take milliseconds of the one thread. */
const once = <A>(make: () => A): Effect.Effect<A> => Effect.runSync(Effect.cached(Effect.sync(make)))

/** What the interface is, for programs and for people. */
export const docsRoutes = HttpRouter.empty.pipe(
  HttpRouter.get(
    "/openapi.json",
    once(() => jsonAnswer(openApi(version), { headers: cached }))
  ),
  HttpRouter.get(
    "/docs",
    once(() =>
      HttpServerResponse.text(docsPage(openApi(version)), {
        contentType: "text/html; charset=utf-8",
        headers: { ...cached, "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'" }
      })
    )
  )
)
