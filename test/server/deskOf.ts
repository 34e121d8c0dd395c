import { Layer } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { Jobs } from "../../src/server/Jobs.ts"
import { Collections } from "../../src/store/Collections.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { JobFinder } from "../../src/store/JobFinder.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LiveSettings } from "../../src/store/LiveSettings.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import { StatusWatch } from "../../src/store/StatusWatch.ts"
import { Submissions } from "../../src/store/Submissions.ts"
import * as VaultHttp from "../../src/vault/VaultHttp.ts"

export const keys = keysBelow("jobforge-service")

/** What a replica that doesn't lead has to answer clients with. */
export const deskOf = (consul: Consul["Type"]) =>
  Jobs.layer.pipe(
    Layer.provideMerge(JobFinder.layer(keys)),
    Layer.provideMerge(Layer.mergeAll(Collections.layer(keys), StatusWatch.layer(keys), Submissions.layer(keys))),
    Layer.provideMerge(
      Layer.mergeAll(
        LiveSettings.layer(keys, {}, () => {}),
        Statuses.layer(keys),
        JobArchive.layer(keys)
      )
    ),
    Layer.provideMerge(Layer.merge(Layer.succeed(Consul, consul), VaultHttp.disabled))
  )
