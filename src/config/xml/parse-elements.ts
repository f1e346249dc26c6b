import type { Findings, SourceFile } from './findings.ts';
import { readXml, type XmlElement } from './read-xml.ts';

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

/** Returns the first child of a name; null if there is none. */
export function childOf(element: Element, name: string): Element | null {
  return element.children.find((child) => child.name === name) ?? null;
}

/** Returns the root element of a text; null if the text is not the XML of config.xml. Reports the faults. */
export function parseElements(text: string, source: SourceFile, findings: Findings): Element | null {
  const { root, faults } = readXml(text);
  const lineOf = lineCounter(text);
  for (const { offset, message } of faults.toSorted((left, right) => left.offset - right.offset)) {
    findings.fault({ source, line: lineOf(offset) }, message);
  }
  return root === null ? null : elementOf(root, source, lineOf);
}

function elementOf({ name, offset, attributes, children }: XmlElement, source: SourceFile, lineOf: LineOf): Element {
  const line = lineOf(offset);
  const inner = children.map((child) => elementOf(child, source, lineOf));
  return { name, source, line, attributes, children: inner, faulty: false };
}

type LineOf = (offset: number) => number;

/** Returns a function that gives the line numbers of offsets, from 1. The offsets must not decrease. */
function lineCounter(text: string): LineOf {
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
