import { XMLParser } from 'fast-xml-parser';

import type { Findings, SourceFile } from './findings.ts';
import { attributeValue, needsReading, xmlFaults } from './well-formed.ts';

/** An element of a configuration file. The checks remove invalid parts, so that readers only see valid ones. */
export interface Element {
  readonly name: string;
  readonly source: SourceFile;
  readonly line: number;
  /** The attributes with references replaced; not trimmed. */
  attributes: Record<string, string>;
  children: Element[];
  /** True if a fault of the element has been reported: consequences of the fault are not reported as well. */
  faulty: boolean;
  /** True for an element that is written for some of the clients around it, and read for these. */
  readonly isForSome?: true;
}

const attributesKey = ':@';
const metaKey = XMLParser.getMetaDataSymbol() as unknown as symbol;
const parser = new XMLParser({
  preserveOrder: true,
  captureMetaData: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  // Text between tags was checked already. Dropping the text saves a third of the nodes.
  tagValueProcessor: () => '',
  ignoreDeclaration: true,
  ignorePiTags: true,
  jPath: false,
  onDangerousProperty: (name: string) => name,
});

/** The nodes of fast-xml-parser: one key is the tag's name, its value the children. */
type ParsedNode = Readonly<Record<string | symbol, unknown>>;

/** Returns the first child of a name; null if there is none. */
export function childOf(element: Element, name: string): Element | null {
  return element.children.find((child) => child.name === name) ?? null;
}

/** Returns the root element of a text; null if the text is not the XML of config.xml. Reports the faults. */
export function parseElements(text: string, source: SourceFile, findings: Findings): Element | null {
  const lineOf = lineCounter(text);
  const faults = [...xmlFaults(text)].sort((left, right) => left.offset - right.offset);
  for (const { offset, message } of faults) findings.fault({ source, line: lineOf(offset) }, message);
  if (faults.length > 0) return null;
  try {
    const nodes = parser.parse(text) as readonly ParsedNode[];
    return elementsOf(nodes, source, lineCounter(text))[0] ?? null;
  } catch {
    // The parser's message may repeat the text around, which may hold passwords.
    findings.fault(
      { source, line: null },
      'an element or attribute has a name that cannot be read; see the documentation',
    );
    return null;
  }
}

function elementsOf(nodes: readonly ParsedNode[], source: SourceFile, lineOf: (offset: number) => number): Element[] {
  const elements: Element[] = [];
  for (const node of nodes) {
    const name = Object.keys(node).find((key) => key !== attributesKey);
    if (name === undefined || name === '#text') continue;
    const attributes = (node[attributesKey] ?? {}) as Record<string, string>;
    for (const key of Object.keys(attributes)) {
      const raw = attributes[key] ?? '';
      if (needsReading(raw)) attributes[key] = attributeValue(raw);
    }
    const line = lineOf((node[metaKey] as { readonly startIndex: number }).startIndex);
    const children = elementsOf(node[name] as readonly ParsedNode[], source, lineOf);
    elements.push({ name, source, line, attributes, children, faulty: false });
  }
  return elements;
}

/** Returns a function that gives the line numbers of offsets, from 1. The offsets must not decrease. */
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
