/** Proofs that a text does nothing to its reader, whatever the words in it are. */
import assert from 'node:assert/strict';

/** Control characters, and characters that change the direction of text or are not seen. */
const harmful = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
/** Colours, and what a progress bar does to its own line. */
const escape = String.fromCharCode(27);
const ownSequences = new RegExp(`${escape}(?:[78]|\\[[\\d;]*m|\\[\\d*[GK]|\\[\\?(?:7|25)[hl])`, 'g');

/** Asserts that nothing in a text moves a terminal or the text beside it, and that no word became a line. */
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

/** Asserts the same of what a terminal receives, which may have colours and progress bars. */
export function assertInertOnTerminal(what: string, text: string): void {
  assertInert(what, text.replaceAll('\r\n', '\n').replace(ownSequences, '').replaceAll('\r', ''));
}

/**
 * Asserts that HTML is nothing but tags with quoted attributes and text without markup. Returns each kind of element
 * in it with its attributes' names, and where its links lead to.
 */
export function readHtml(what: string, html: string): ReadonlySet<string> {
  // Raw text ends at the first end tag, as browsers read it.
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
  // Words from right to left are isolated, each by itself.
  assertInert(what, text.replace(/\u2068([^\u2068\u2069\n]*)\u2069/g, '$1').replaceAll(/[\u200c\u200d]/g, ''));
  return kinds;
}

/** Reads CSV as RFC 4180 defines it, strictly: texts stand in quotes, and everything else is a number, or nothing. */
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
