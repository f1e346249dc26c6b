/**
 * Checks that a text is the part of XML 1.0 that config.xml may use: one root, matching tags, quoted attributes, only
 * the five named entities and character references, no DOCTYPE (so no entity can grow). fast-xml-parser accepts many
 * texts beyond that.
 */

import { hasMergeMark, mergeAdvice, otherForm } from './no-xml.ts';

/** A fault at an offset of the text. The message never repeats a value, because values may be passwords. */
export interface XmlFault {
  readonly offset: number;
  readonly message: string;
}

const maxDepth = 64;
const nameForm = '[\\p{L}_][\\p{L}\\p{N}_.:\\-]*';
const openTag = new RegExp(`<(${nameForm})`, 'uy');
const closeTag = new RegExp(`</(${nameForm})\\s*>`, 'uy');
const attribute = new RegExp(`\\s+(${nameForm})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'uy');
const tagEnd = /\s*(\/?)>/y;
const instruction = new RegExp(`<\\?${nameForm}(?=\\s|\\?>)`, 'uy');
const declaration = new RegExp(
  '^<\\?xml\\s+version\\s*=\\s*["\']([^"\']*)["\'](?:\\s+encoding\\s*=\\s*["\']([^"\']*)["\'])?' +
    '(?:\\s+standalone\\s*=\\s*["\'](?:yes|no)["\'])?\\s*\\?>',
);
/** Names that fast-xml-parser rejects without a line, because they are harmful as keys of an object. */
const reserved: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
// XML 1.0, 2.2: no control characters but tab and line breaks, no surrogates alone, no FFFE and FFFF.
const forbidden = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/** Returns all faults that can be distinguished. Stops at the first fault that breaks the structure. */
export function xmlFaults(text: string): readonly XmlFault[] {
  const faults: XmlFault[] = [];
  for (const { index } of text.matchAll(forbidden)) {
    faults.push({ offset: index, message: 'a control character that XML does not allow; remove it' });
    if (faults.length === 20) return faults;
  }
  const broken = readDocument(text, (offset, message) => faults.push({ offset, message }));
  if (broken !== null) faults.push(broken);
  return faults;
}

type ReportFault = (offset: number, message: string) => void;

function readDocument(text: string, reportFault: ReportFault): XmlFault | null {
  const open: { readonly name: string; readonly offset: number }[] = [];
  let rootSeen = false;
  let at = 0;
  const declared = readDeclaration(text, reportFault);
  if (declared > 0) at = declared;
  while (at < text.length) {
    const next = text.indexOf('<', at);
    const textEnd = next < 0 ? text.length : next;
    const stray = checkText({ text, from: at, to: textEnd, outside: open.length === 0, rootSeen }, reportFault);
    if (stray !== null) return stray;
    if (next < 0) break;
    const skipped = skipSpecial(text, next, open.length === 0);
    if (typeof skipped === 'object') return skipped;
    if (skipped > 0) {
      at = skipped;
      continue;
    }
    if (text.startsWith('</', next)) {
      closeTag.lastIndex = next;
      const name = closeTag.exec(text)?.[1];
      const opened = open.pop();
      if (name === undefined) return { offset: next, message: 'a closing tag that is not complete; write </name>' };
      if (opened === undefined) return { offset: next, message: `</${name}> closes what was never opened; remove it` };
      if (opened.name !== name) {
        return { offset: next, message: `</${name}> where <${opened.name}> is open; write </${opened.name}> first` };
      }
      at = closeTag.lastIndex;
      continue;
    }
    if (open.length === 0 && rootSeen) {
      return { offset: next, message: 'a second root element; everything belongs into one <config>' };
    }
    rootSeen = true;
    const tag = readTag(text, next, reportFault);
    if ('message' in tag) return tag;
    if (!tag.selfClosing) open.push({ name: tag.name, offset: next });
    if (open.length > maxDepth) return { offset: next, message: `elements nested more than ${maxDepth} deep` };
    at = tag.end;
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined)
    return { offset: unclosed.offset, message: `<${unclosed.name}> is never closed; write </${unclosed.name}>` };
  return rootSeen ? null : { offset: 0, message: 'the file has no element; <config> must be its root' };
}

function readDeclaration(text: string, reportFault: ReportFault): number {
  const declared = declaration.exec(text);
  if (declared === null) return 0;
  if (declared[1] !== '1.0') reportFault(0, 'XML of another version than 1.0; write version="1.0"');
  if (declared[2] !== undefined && !/^(utf-8|us-ascii)$/i.test(declared[2])) {
    reportFault(0, 'another encoding than UTF-8; save the file as UTF-8 and say so');
  }
  return declared[0].length;
}

/**
 * Returns the end of a comment or processing instruction; 0 if none begins here. Returns a fault for a declaration or
 * CDATA section.
 */
function skipSpecial(text: string, at: number, outside: boolean): number | XmlFault {
  if (text.startsWith('<!--', at)) {
    const end = text.indexOf('--', at + 4);
    if (end < 0) return { offset: at, message: 'a comment that never ends; write -->' };
    return text[end + 2] === '>'
      ? end + 3
      : { offset: end, message: '-- inside a comment; XML allows it at the end alone' };
  }
  if (/^<\?xml\s/i.test(text.slice(at, at + 6))) {
    return { offset: at, message: 'an XML declaration that is not the first of the file or not complete' };
  }
  if (text.startsWith('<?', at)) {
    instruction.lastIndex = at;
    if (!instruction.test(text)) {
      return { offset: at, message: 'a processing instruction without a name; write <?name ...?>, or remove it' };
    }
    const end = text.indexOf('?>', at);
    return end < 0 ? { offset: at, message: 'a processing instruction that never ends; write ?>' } : end + 2;
  }
  if (text.startsWith('<![CDATA[', at) && !outside) {
    return { offset: at, message: 'a CDATA section; only elements and attributes are read' };
  }
  if (text.startsWith('<!', at)) return { offset: at, message: 'a DOCTYPE or other declaration; remove it' };
  return 0;
}

function readTag(
  text: string,
  at: number,
  reportFault: ReportFault,
): { name: string; selfClosing: boolean; end: number } | XmlFault {
  openTag.lastIndex = at;
  const name = openTag.exec(text)?.[1];
  if (name === undefined) {
    const isMerge = hasMergeMark(text.slice(at, at + 8));
    return {
      offset: at,
      message: isMerge ? mergeAdvice : 'a < that begins no tag; write &lt; where it is meant as a letter',
    };
  }
  if (/^html$/i.test(name))
    return { offset: at, message: 'a web page, and no configuration; look at what was downloaded' };
  if (reserved.has(name)) reportFault(at, `there is no element <${name}>; remove it`);
  let position = openTag.lastIndex;
  const names: string[] = [];
  for (;;) {
    attribute.lastIndex = position;
    const found = attribute.exec(text);
    if (found === null) break;
    const attributeName = found[1] ?? '';
    const value = found[2] ?? found[3] ?? '';
    if (value.includes('<')) reportFault(at, `<${name}> attribute ${attributeName}: a < in the value; write &lt;`);
    if (value.includes('&') && !onlyKnownReferences(value)) {
      reportFault(at, `<${name}> attribute ${attributeName}: a & that begins no known entity; write &amp;`);
    }
    if (names.includes(attributeName))
      reportFault(at, `<${name}> has the attribute ${attributeName} twice; remove one`);
    if (reserved.has(attributeName)) reportFault(at, `<${name}> has no attribute ${attributeName}; remove it`);
    names.push(attributeName);
    position = attribute.lastIndex;
  }
  tagEnd.lastIndex = position;
  const end = tagEnd.exec(text);
  if (end !== null) return { name, selfClosing: end[1] === '/', end: tagEnd.lastIndex };
  if (/^\s+[^\s=]+\s*=\s*[\u00ab\u2018-\u201f]/.test(text.slice(position, position + 200))) {
    return { offset: at, message: `<${name}> has typographic quotes; write name="value"` };
  }
  const after = names.at(-1);
  const where = after === undefined ? 'after its name' : `after the attribute ${after}`;
  return {
    offset: at,
    message: `<${name}> is not well-formed ${where}; attributes are written name="value", with a space between`,
  };
}

interface Between {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** True if no element is open. */
  readonly outside: boolean;
  readonly rootSeen: boolean;
}

function checkText({ text, from, to, outside, rootSeen }: Between, reportFault: ReportFault): XmlFault | null {
  const content = text.slice(from, to);
  if (content.trim() === '') return null;
  const offset = from + content.search(/\S/);
  if (hasMergeMark(content)) return { offset, message: mergeAdvice };
  const form = rootSeen ? null : otherForm(text);
  if (form !== null) return { offset, message: `no XML, but ${form}; config.xml is <config>...</config>` };
  if (outside) return { offset, message: 'text outside the root element; remove it' };
  // Text has no meaning in the vocabulary, so all faults inside it have the same message.
  reportFault(offset, 'text between the tags; only elements and attributes are read');
  return null;
}

const reference = /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));/g;
const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function codePoint(decimal: string | undefined, hex: string | undefined): number {
  return decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
}

function onlyKnownReferences(value: string): boolean {
  for (const [, name, decimal, hex] of value.matchAll(reference)) {
    const code = name === undefined ? codePoint(decimal, hex) : 0x20;
    if (code > 0x10_ffff || String.fromCodePoint(code).search(forbidden) >= 0) return false;
  }
  return !value.replace(reference, '').includes('&');
}

/** True if a value differs from its written form. */
export function needsReading(raw: string): boolean {
  return /[&\t\n\r]/.test(raw);
}

/** Returns the value of an attribute as of XML 1.0, 3.3.3: line breaks and tabs are spaces, references are replaced. */
export function attributeValue(raw: string): string {
  return raw
    .replace(/\r\n?|[\t\n]/g, ' ')
    .replace(reference, (_, name: string | undefined, decimal: string | undefined, hex: string | undefined) =>
      name === undefined ? String.fromCodePoint(codePoint(decimal, hex)) : (named[name] ?? ''),
    );
}
