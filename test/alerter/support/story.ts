import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clientWith, configOf } from './config-of.ts';
import { play } from './time-line.ts';

export interface Paragraph {
  readonly name: string;
  /** The lines that begin with `<`: elements of config.xml. */
  readonly elements: string;
  readonly happens: readonly string[];
  /** The lines behind `> `: what is expected. */
  readonly notified: readonly string[];
}

/** Returns the paragraphs of a text: a name, elements of config.xml, what happens, and what is expected. */
export function paragraphsOf(text: string): readonly Paragraph[] {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => {
      const [name = '', ...lines] = paragraph.split('\n').map((line) => line.trim());
      return {
        name,
        elements: lines.filter((line) => line.startsWith('<')).join('\n'),
        happens: lines.filter((line) => !/^[<>]/.test(line)),
        notified: lines.filter((line) => line.startsWith('> ')).map((line) => line.slice(2)),
      };
    });
}

/**
 * Tests as time lines, a paragraph each: a client with these alerts, or the one of these elements; its rows (see
 * time-line.ts); the changes.
 */
export function stories(text: string): void {
  for (const { name, elements, happens, notified } of paragraphsOf(text)) {
    test(name, () => {
      const [client] = elements.startsWith('<alerts') ? configOf(elements).clients : [clientWith(elements)];
      assert.ok(client);
      assert.deepEqual(play(client, happens.join('\n')), notified);
    });
  }
}
