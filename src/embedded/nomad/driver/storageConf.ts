import { join } from "node:path"

/** How containers/storage keeps layers. `fuse` is overlay with fuse-overlayfs in place of the kernel's. */
export type StorageDriver = "overlay" | "fuse" | "vfs"

/**
 * A storage.conf for one store.
 *
 * The file, not STORAGE_DRIVER and command line options, because root's buildah ignores the variable and a script
 * can't be given options.
 */
export const storageConf = (driver: StorageDriver, folder: string, runFolder: string): string =>
  [
    "[storage]",
    `driver = ${JSON.stringify(driver === "fuse" ? "overlay" : driver)}`,
    `graphroot = ${JSON.stringify(join(folder, "storage"))}`,
    // In a user namespace graphroot counts for nothing.
    `rootless_storage_path = ${JSON.stringify(join(folder, "storage"))}`,
    `runroot = ${JSON.stringify(runFolder)}`,
    ...(driver === "fuse" ? ["[storage.options.overlay]", 'mount_program = "/usr/bin/fuse-overlayfs"'] : []),
    ""
  ].join("\n")
