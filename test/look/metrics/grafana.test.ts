import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { grafanaFiles } from '../../../build/grafana/grafana.ts';
import { packageDir } from '../../../src/state-folder/paths.ts';

for (const [name, content] of grafanaFiles()) {
  test(`grafana/${name} is what build/grafana makes`, () => {
    const file = path.join(packageDir, 'grafana', name);
    if (process.env['UPDATE'] === '1') {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    assert.equal(readFileSync(file, 'utf8'), content);
  });
}
