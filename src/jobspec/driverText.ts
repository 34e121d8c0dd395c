/**
 * Text as a driver's `Config` must spell it: a client reads each string there as an HCL template, so that an unescaped
 * `${x}` or `%{x}` is accepted by the servers and fails when the task starts.
 */
export const driverText = (text: string): string => text.replaceAll(/[$%]\{/g, (opening) => opening.charAt(0) + opening)
