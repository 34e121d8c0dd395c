import { HttpRouter, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import { openApi } from "../api/openApi.ts"
import { version } from "../version.ts"
import { docsPage } from "./docsPage.ts"
import { jsonAnswer } from "./jsonAnswer.ts"

const cached = { "cache-control": "public, max-age=300" }

/** What the interface is, for programs and for people. Made once, at the first question. */
export const docsRoutes = HttpRouter.empty.pipe(
  HttpRouter.get(
    "/openapi.json",
    Effect.sync(() => jsonAnswer(openApi(version), { headers: cached }))
  ),
  HttpRouter.get(
    "/docs",
    Effect.sync(() =>
      HttpServerResponse.text(docsPage(openApi(version)), {
        contentType: "text/html; charset=utf-8",
        headers: { ...cached, "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'" }
      })
    )
  )
)
