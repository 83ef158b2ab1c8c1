import type { ErrorCode } from 'yaml'

/**
 * What is wrong with a text that is no YAML. The parser's own messages quote the text, and nothing says yet which part
 * of it is a secret: a token that begins with `*` or `!` and has no quotes is an alias or a tag.
 */
const WORDS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias may have no tag and no anchor',
  BAD_ALIAS: 'the name of an alias or anchor is empty, or ends in a colon; text that begins with * or & needs quotes',
  BAD_COLLECTION_TYPE: 'tags are not supported; text that begins with ! needs quotes',
  BAD_DIRECTIVE: 'a directive that YAML does not know; text that begins with % needs quotes',
  BAD_DQ_ESCAPE: 'an escape that YAML does not know, within double quotes',
  BAD_INDENT: 'indented otherwise than what it belongs to, or a bracket that is not closed',
  BAD_PROP_ORDER: 'an anchor or a tag stands in the wrong place',
  BAD_SCALAR_START: 'text that begins with this character needs quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a mapping or list that begins within a line; text with a colon and a space in it needs quotes',
  BLOCK_IN_FLOW: 'a mapping or list without brackets within one that has brackets',
  DUPLICATE_KEY: 'duplicate key',
  IMPOSSIBLE: 'no YAML',
  KEY_OVER_1024_CHARS: 'a key of more than 1024 characters',
  MISSING_CHAR: 'a quote, bracket, comma, colon or space is missing',
  MULTILINE_IMPLICIT_KEY: 'a key of more than one line',
  MULTIPLE_ANCHORS: 'more than one anchor',
  MULTIPLE_DOCS: 'more than one document',
  MULTIPLE_TAGS: 'more than one tag',
  NON_STRING_KEY: 'a key that is no text',
  RESOURCE_EXHAUSTION: 'collections are nested too deep',
  TAB_AS_INDENT: 'indented by a tab, where only spaces may be',
  TAG_RESOLVE_FAILED: 'tags are not supported; text that begins with ! needs quotes',
  UNEXPECTED_TOKEN: 'something that may not stand here; text with characters of YAML in it needs quotes',
}

/** Says what a fault of the syntax is, in words that hold nothing of the text. */
export function syntaxFault({ code }: { code: ErrorCode }): string {
  return WORDS[code]
}
