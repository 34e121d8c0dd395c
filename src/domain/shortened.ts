/**
 * Cuts a foreign text, Nomad's or a step's, to so many characters: what a status keeps must fit a transaction with all
 * that it holds.
 */
export const shortened = (text: string, most = 400): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`
