/** Stands where a secret stood. */
export const placeholder = "[redacted]"
