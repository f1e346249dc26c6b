// Second tier: what each reader makes passes check.
/** The clients of `import` pass the checks of config.xml, whatever a list has. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { loadConfig } from '../../../src/config/load-config.ts';
import { clientsXml } from '../../../src/cli/import/clients-xml.ts';
import { importKinds } from '../../../src/cli/import/import-kinds.ts';
import { isWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { importList } from './support/import-list.ts';
import { sampleLists } from './support/sample-lists.ts';

for (const kind of importKinds) {
  test(`The output of import ${kind} passes fleet-health check`, (t) => {
    const folder = tempFolder(t);
    const config = path.join(folder, 'config.xml');
    const file = path.join(folder, 'list');
    fc.assert(
      fc.property(sampleLists[kind].any, (written) => {
        writeFileSync(file, written, { mode: 0o600 });
        let hosts;
        try {
          ({ hosts } = importList(kind, { file, text: written }));
        } catch (thrown) {
          assert.match(String(thrown), /FleetError/);
          return;
        }
        if (hosts.length === 0) return;
        writeFileSync(config, `<config>\n${clientsXml(hosts)}</config>\n`, { mode: 0o600 });
        const { clients } = loadConfig({ file: config });
        assert.deepEqual(clients.map(({ name }) => name).sort(), hosts.map(({ name }) => name).sort());
      }),
      { numRuns: isWide ? 500 : 20 },
    );
  });
}
