import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Client } from '../../../src/config/config.ts';
import { clientWith } from './config-of.ts';
import { play } from './time-line.ts';

/**
 * A test in the form of a time line: a client with these alerts, its rows (see time-line.ts), and the expected changes.
 */
export function story(name: string, alerts: string | Client, rows: string, told: string): void {
  test(name, () => {
    const expected = told
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    assert.deepEqual(play(typeof alerts === 'string' ? clientWith(alerts) : alerts, rows), expected);
  });
}
