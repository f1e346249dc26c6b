import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Client, Config } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load-config.ts';

const configs = new Map<string, Config>();

/** Returns the configuration of a config.xml with these elements. Reads the same elements once. */
export function configOf(elements: string): Config {
  const known = configs.get(elements) ?? readConfig(elements);
  configs.set(elements, known);
  return known;
}

function readConfig(elements: string): Config {
  const folder = mkdtempSync(path.join(tmpdir(), 'fleet-health-alerter-'));
  try {
    const file = path.join(folder, 'config.xml');
    writeFileSync(file, `<config>${elements}</config>`, { mode: 0o600 });
    return loadConfig({ file });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Returns a client `web-1` with these rules, and `outerAlerts` in <alerts>. There is a recipient, so that rules are
 * valid.
 */
export function clientWith(alerts: string, outerAlerts = ''): Client {
  const [client] = configOf(
    `<alerts><mail to="ops@example.org"/>${outerAlerts}</alerts><client name="web-1" ip="192.0.2.1" ` +
      `username="u">${alerts}</client>`,
  ).clients;
  assert.ok(client);
  return client;
}
