import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clientWith, configOf } from './config-of.ts';
import { play } from './time-line.ts';

export interface Paragraph {
  readonly name: string;
  /** The lines that begin with `<`: elements of config.xml. */
  readonly elements: string;
  readonly happens: readonly string[];
  /** The expected results: the lines after `> `. */
  readonly notified: readonly string[];
}

/** Returns the paragraphs of a text. Each has a name, elements of config.xml, events, and expected results. */
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
 * Defines a test for each paragraph of a text: a client with these alerts, or with the configuration of these elements;
 * its rows (see time-line.ts); the expected changes.
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
