import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { readBundles } from '../../src/collector/agent-bundles.ts';
import type { Bundles } from '../../src/collector/agent-session.ts';

/** The programs for clients, bundled from the sources as they are now. */
export function buildBundles(): Bundles {
  const root = path.join(import.meta.dirname, '../..');
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-health-agent-'));
  try {
    execFileSync(process.execPath, ['agent/bundle.mjs', dir], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    return readBundles(path.join(dir, 'agent.cjs'), path.join(dir, 'inventory.cjs'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}
