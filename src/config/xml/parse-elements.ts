/**
 * Reads the part of XML 1.0 that config.xml may use: one root, matching tags, quoted attributes, only the five named
 * entities and character references, no DOCTYPE (so no entity can grow). Libraries let much of the rest pass, and give no
 * lines. No message repeats a value, because passwords stand in values.
 */
import { attributeValue, forbidden, valueFault } from './attribute-value.ts';
import type { Findings, SourceFile } from './findings.ts';

/** An element of a configuration file. The checks take away what is wrong, so that readers only see what is right. */
export interface Element {
  readonly name: string;
  readonly source: SourceFile;
  readonly line: number;
  /** References replaced; not trimmed. */
  attributes: Record<string, string>;
  children: Element[];
  /** True if a fault of the element was reported: what follows from that fault is not reported as well. */
  faulty: boolean;
}

const maxDepth = 64;
const mostForbidden = 20;
const nameForm = '[\\p{L}_][\\p{L}\\p{N}_.:\\-]*';
const openTag = new RegExp(`<(${nameForm})`, 'uy');
const closeTag = new RegExp(`</(${nameForm})\\s*>`, 'uy');
const attribute = new RegExp(`\\s+(${nameForm})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'uy');
const tagEnd = /\s*(\/?)>/y;
const declaration =
  /^<\?xml\s+version\s*=\s*["']([^"']*)["'](?:\s+encoding\s*=\s*["']([^"']*)["'])?(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>/;

/** A fault that ends the reading, because what follows cannot be told apart. */
class BrokenStructure extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

type Report = (offset: number, message: string) => void;

/** Returns the root element of a text; null if it is no XML that config.xml may use. Reports all faults. */
export function parseElements(text: string, source: SourceFile, findings: Pick<Findings, 'fault'>): Element | null {
  const faults: { readonly offset: number; readonly message: string }[] = [];
  const report: Report = (offset, message) => void faults.push({ offset, message });
  let root: Element | null = null;
  try {
    reportForbidden(text, report);
    root = readDocument(text, source, report);
  } catch (thrown) {
    if (!(thrown instanceof BrokenStructure)) throw thrown;
    report(thrown.offset, thrown.message);
  }
  if (faults.length === 0) return root;
  const lineOf = lineCounter(text);
  faults.sort((left, right) => left.offset - right.offset);
  for (const { offset, message } of faults) findings.fault({ source, line: lineOf(offset) }, message);
  return null;
}

function reportForbidden(text: string, report: Report): void {
  let count = 0;
  for (const { index } of text.matchAll(forbidden)) {
    const message = 'a control character that XML does not allow; remove it';
    count += 1;
    if (count === mostForbidden) throw new BrokenStructure(index, message);
    report(index, message);
  }
}

function readDocument(text: string, source: SourceFile, report: Report): Element {
  const lineOf = lineCounter(text);
  const open: { readonly element: Element; readonly offset: number }[] = [];
  let root: Element | null = null;
  let at = readDeclaration(text, report);
  while (at < text.length) {
    const next = text.indexOf('<', at);
    checkText(text.slice(at, next < 0 ? text.length : next), at, open.length === 0, report);
    if (next < 0) break;
    const skipped = skipSpecial(text, next, open.length === 0);
    if (skipped > 0) {
      at = skipped;
    } else if (text.startsWith('</', next)) {
      at = readCloseTag(text, next, open.pop()?.element ?? null);
    } else {
      const { element, selfClosing, end } = readOpenTag(text, next, source, lineOf(next), report);
      if (root !== null && open.length === 0)
        throw new BrokenStructure(next, 'a second root element; everything belongs into one <config>');
      root ??= element;
      open.at(-1)?.element.children.push(element);
      if (!selfClosing) open.push({ element, offset: next });
      if (open.length > maxDepth) throw new BrokenStructure(next, `elements nested more than ${maxDepth} deep`);
      at = end;
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) {
    const { name } = unclosed.element;
    throw new BrokenStructure(unclosed.offset, `<${name}> is never closed; write </${name}>`);
  }
  if (root === null) throw new BrokenStructure(0, 'the file has no element; <config> must be its root');
  return root;
}

/** Returns the offset behind the XML declaration; 0 if there is none. */
function readDeclaration(text: string, report: Report): number {
  const [whole = '', version, encoding] = declaration.exec(text) ?? [];
  if (version !== undefined && version !== '1.0') report(0, 'XML of another version than 1.0; write version="1.0"');
  if (encoding !== undefined && !/^(utf-8|us-ascii)$/i.test(encoding))
    report(0, 'another encoding than UTF-8; save the file as UTF-8 and say so');
  return whole.length;
}

/** Returns the offset behind a comment or processing instruction; 0 if there is none here. */
function skipSpecial(text: string, at: number, outside: boolean): number {
  if (text.startsWith('<!--', at)) {
    const end = text.indexOf('--', at + 4);
    if (end < 0) throw new BrokenStructure(at, 'a comment that never ends; write -->');
    if (text[end + 2] === '>') return end + 3;
    throw new BrokenStructure(end, '-- inside a comment; XML allows it at the end alone');
  }
  if (/^<\?xml\s/i.test(text.slice(at, at + 6)))
    throw new BrokenStructure(at, 'an XML declaration that is not the first of the file or not complete');
  if (text.startsWith('<?', at)) {
    const end = text.indexOf('?>', at);
    if (end < 0) throw new BrokenStructure(at, 'a processing instruction that never ends; write ?>');
    return end + 2;
  }
  if (text.startsWith('<![CDATA[', at) && !outside)
    throw new BrokenStructure(at, 'a CDATA section; only elements and attributes are read');
  if (text.startsWith('<!', at)) throw new BrokenStructure(at, 'a DOCTYPE or other declaration; remove it');
  return 0;
}

/** Returns the offset behind a closing tag. */
function readCloseTag(text: string, at: number, opened: Element | null): number {
  closeTag.lastIndex = at;
  const name = closeTag.exec(text)?.[1];
  if (name === undefined) throw new BrokenStructure(at, 'a closing tag that is not complete; write </name>');
  if (opened === null) throw new BrokenStructure(at, `</${name}> closes what was never opened; remove it`);
  if (opened.name !== name)
    throw new BrokenStructure(at, `</${name}> where <${opened.name}> is open; write </${opened.name}> first`);
  return closeTag.lastIndex;
}

function readOpenTag(
  text: string,
  at: number,
  source: SourceFile,
  line: number,
  report: Report,
): { readonly element: Element; readonly selfClosing: boolean; readonly end: number } {
  openTag.lastIndex = at;
  const name = openTag.exec(text)?.[1];
  if (name === undefined)
    throw new BrokenStructure(at, 'a < that begins no tag; write &lt; where it is meant as a letter');
  const attributes: Record<string, string> = {};
  let last: string | null = null;
  let position = openTag.lastIndex;
  for (;;) {
    attribute.lastIndex = position;
    const found = attribute.exec(text);
    if (found === null) break;
    const [, key = '', double, single = ''] = found;
    const raw = double ?? single;
    const fault = valueFault(raw);
    if (fault !== null) report(at, `<${name}> attribute ${key}: ${fault}`);
    // A plain object would take it for its prototype.
    if (key === '__proto__') report(at, `<${name}> has no attribute ${key}; remove it`);
    if (Object.hasOwn(attributes, key)) report(at, `<${name}> has the attribute ${key} twice; remove one`);
    else if (fault === null) attributes[key] = attributeValue(raw);
    last = key;
    position = attribute.lastIndex;
  }
  tagEnd.lastIndex = position;
  const end = tagEnd.exec(text);
  if (end === null) {
    const where = last === null ? 'after its name' : `after the attribute ${last}`;
    throw new BrokenStructure(
      at,
      `<${name}> is not well-formed ${where}; attributes are written name="value", with a space between`,
    );
  }
  const element = { name, source, line, attributes, children: [], faulty: false };
  return { element, selfClosing: end[1] === '/', end: tagEnd.lastIndex };
}

function checkText(content: string, at: number, outside: boolean, report: Report): void {
  if (content.trim() === '') return;
  const offset = at + content.search(/\S/);
  if (outside) throw new BrokenStructure(offset, 'text outside the root element; remove it');
  // The vocabulary has no text at all, so what is wrong inside it needs no message of its own.
  report(offset, 'text between the tags; only elements and attributes are read');
}

/** Returns a function from offsets, which must not decrease, to line numbers from 1. */
function lineCounter(text: string): (offset: number) => number {
  let line = 1;
  let next = text.indexOf('\n');
  return (offset) => {
    while (next >= 0 && next < offset) {
      line += 1;
      next = text.indexOf('\n', next + 1);
    }
    return line;
  };
}
