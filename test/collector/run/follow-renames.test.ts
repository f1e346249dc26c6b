import assert from 'node:assert/strict';
import { test } from 'node:test';

import { followRenames } from '../../../src/collector/run/follow-renames.ts';
import type { Config } from '../../../src/config/config.ts';

/** Follows the renames of these clients, given as `name` or `name was former`. The database knows web-1 and db-1. */
async function follow(...clients: readonly string[]) {
  const known = new Set(['web-1', 'db-1']);
  const lines: string[] = [];
  const named = clients.map((text) => text.split(' was ')).map(([name, was = null]) => ({ name, was }));
  const config = { clients: named } as unknown as Config;
  const storage = {
    reports: { clientFacts: () => Promise.resolve(new Map([...known].map((name) => [name, {}]))) },
    retention: {
      renameClient: (was: string, name: string) => {
        known.add(name);
        return Promise.resolve(known.delete(was));
      },
    },
  };
  const observe = (event: { readonly message?: string }): void => void lines.push(event.message ?? '');
  const facts = await followRenames({ config, observe: observe as never }, storage as never);
  return { names: [...facts.keys()].toSorted(), lines };
}

test('the history of a client goes with its new name at once, unless another client has the old one', async () => {
  assert.deepEqual(await follow('web-2 was web-1', 'db-1'), {
    names: ['db-1', 'web-2'],
    lines: ['web-1 is now called web-2'],
  });
  for (const unchanged of [['web-2 was web-1', 'web-1'], ['web-2 was gone'], ['web-2']]) {
    assert.deepEqual(await follow(...unchanged), { names: ['db-1', 'web-1'], lines: [] });
  }
});
