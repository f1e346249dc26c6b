/** Proofs that a text does nothing to its reader, whatever words it contains. */
import assert from 'node:assert/strict';

/** Control characters, and characters that are invisible or change the direction of text. */
const harmful = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
/** Escape sequences of colours and of progress bars on their own line. */
const escape = String.fromCharCode(27);
const ownSequences = new RegExp(`${escape}(?:[78]|\\[[\\d;]*m|\\[\\d*[GK]|\\[\\?(?:7|25)[hl])`, 'g');

/** Asserts that a text does not control a terminal or change the text beside it, and that no word starts a line. */
export function assertInert(what: string, text: string): void {
  const [found] = harmful.exec(text) ?? [];
  const place = found === undefined ? '' : text.slice(Math.max(0, text.indexOf(found) - 60), text.indexOf(found) + 60);
  assert.equal(
    found,
    undefined,
    `${what} has U+${found?.codePointAt(0)?.toString(16) ?? ''}: ${JSON.stringify(place)}`,
  );
  assert.doesNotMatch(text, /^Injected/m, what);
}

/** Asserts the same of output to a terminal, which may have colours and progress bars. */
export function assertInertOnTerminal(what: string, text: string): void {
  assertInert(what, text.replaceAll('\r\n', '\n').replace(ownSequences, '').replaceAll('\r', ''));
}

/**
 * Asserts that HTML consists of tags with quoted attributes and of text without markup. Returns each kind of element
 * with the names of its attributes, and the targets of its links.
 */
export function readHtml(what: string, html: string): ReadonlySet<string> {
  // Raw text ends at the first end tag, as in browsers.
  const bare = html.replace(/(<(script|style)\b[^>]*>)[^]*?(?=<\/\2)/g, '$1');
  const kinds = new Set<string>();
  const tag = /<(?:!DOCTYPE html|(\/?[a-zA-Z][a-zA-Z0-9]*)((?: [a-zA-Z][\w-]*(?:="[^"<>]*")?)*) ?\/?)>/y;
  let text = '';
  for (let at = 0; at < bare.length;) {
    const next = bare.indexOf('<', at);
    text += `${bare.slice(at, next === -1 ? undefined : next)}\n`;
    if (next === -1) break;
    tag.lastIndex = next;
    const [whole, name = '', attributes = ''] =
      tag.exec(bare) ?? assert.fail(`${what}: ${bare.slice(next, next + 80)}`);
    at = next + whole.length;
    text += `${attributes}\n`;
    const scheme = /(?:href|src)="([a-z]+:)/.exec(attributes)?.[1] ?? '';
    kinds.add(
      [name, ...[...attributes.matchAll(/ ([^ =]+)(?:="[^"]*")?/g)].map(([, one = '']) => one), scheme].join(' '),
    );
  }
  // Each word from right to left is isolated.
  assertInert(what, text.replace(/\u2068([^\u2068\u2069\n]*)\u2069/g, '$1').replaceAll(/[\u200c\u200d]/g, ''));
  return kinds;
}

/** Reads CSV strictly by RFC 4180: texts are quoted, and all other cells are numbers or empty. */
export function readCsv(what: string, csv: string): readonly (readonly string[])[] {
  const lines = csv.split('\r\n');
  assert.equal(lines.pop(), '', what);
  return lines.map((line) => {
    const cells = [...line.matchAll(/("(?:[^"]|"")*"|-?[\d.e+-]*)(,|$)/gy)].slice(
      0,
      line.endsWith(',') ? undefined : -1,
    );
    const end = cells.at(-1);
    assert.equal((end?.index ?? 0) + (end?.[0].length ?? 0), line.length, `${what}: ${line}`);
    return cells.map(([, cell = '']) => {
      const text = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : null;
      if (text === null) return cell;
      assertInert(what, text);
      assert.doesNotMatch(text, /^[\s=+\-@\uff1d\uff0b\uff0d\uff20]/, what);
      return text;
    });
  });
}
