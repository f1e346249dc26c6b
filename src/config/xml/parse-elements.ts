import type { Findings, SourceFile } from './findings.ts';
import { readXml, type XmlNode } from './read-xml.ts';

/** An element of a configuration file. The checks take away what is wrong, so that readers only see what is right. */
export interface Element {
  readonly name: string;
  readonly source: SourceFile;
  readonly line: number;
  /** References replaced; not trimmed. */
  attributes: Record<string, string>;
  children: Element[];
  /** Something was wrong with it and told: what follows from that is not worth a second message. */
  faulty: boolean;
}

/** The root element of a text, or null when it is no XML that config.xml may use; the faults are told. */
export function parseElements(text: string, source: SourceFile, findings: Findings): Element | null {
  const { root, faults } = readXml(text);
  const lineOf = lineCounter(text);
  for (const { offset, message } of faults) findings.fault({ source, line: lineOf(offset) }, message);
  const elementOf = ({ name, offset, attributes, children }: XmlNode): Element => {
    const line = lineOf(offset);
    return { name, source, line, attributes, children: children.map(elementOf), faulty: false };
  };
  return root === null ? null : elementOf(root);
}

/** Line numbers from 1 of offsets that never go back. */
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
