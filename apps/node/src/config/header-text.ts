/** What any header can carry: printable ASCII, with blanks within. */
export const HEADER_TEXT = /^[!-~](?:[ -~]*[!-~])?$/
