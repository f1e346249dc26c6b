/** No message about a file quotes a line of it: any file that is named by mistake may be a private key. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { loadConfig } from '../src/config/load-config.ts';
import { FleetError } from '../src/platform/errors/errors.ts';
import { importKinds, type ImportKind } from '../src/cli/import/import-kinds.ts';
import { parseKnownHosts } from '../src/transport/known-hosts/known-hosts.ts';
import { createSshConfigReader } from '../src/transport/ssh-config/ssh-config-reader.ts';
import { importList } from './cli/import/support/import-list.ts';
import { sampleLists } from './cli/import/support/sample-lists.ts';
import { isLong, isWide } from './support/long-tests.ts';
import { tempFolder } from './support/temp-folder.ts';

const dir = tempFolder();
const file = path.join(dir, 'named');
const own = path.join(dir, 'config.xml');
const numRuns = isLong ? 2000 : isWide ? 300 : 20;

const { privateKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'sec1', format: 'pem' },
});
const keyLines = privateKey.trim().split('\n');

/** Valid files, so that the secret stands among lines that are read. */
const valid: Readonly<Record<string, string>> = {
  ssh_config: sampleLists['ssh-config'].valid,
  known_hosts: sampleLists['known-hosts'].valid,
  'config.xml':
    '<config>\n <ssh config="none"/>\n <alerts><mail to="a@example.org"/></alerts>\n <client name="web"/>\n</config>\n',
};

/** The messages that a reader gives about a text. */
const readers: Readonly<Record<string, (text: string) => readonly string[]>> = {
  ssh_config: (text) => {
    writeFileSync(file, text);
    const reader = createSshConfigReader();
    return ['web', 'db', 'other'].flatMap((host) =>
      messages(() => {
        const { answer, values } = reader.ask([file], { host, user: null, address: null });
        return [
          ...values.notes,
          ...[...answer.passedOver, ...answer.opensshOnly].map(({ option, place }) => `${place} ${option}`),
        ];
      }),
    );
  },
  known_hosts: (text) => messages(() => parseKnownHosts(text, 'f').notes),
  'config.xml': (text) => {
    writeFileSync(own, text);
    return messages(() => loadConfig({ file: own, checkPermissions: false }).warnings.map(({ message }) => message));
  },
  'a file that config.xml includes': (text) => {
    writeFileSync(file, text);
    writeFileSync(own, `<config><include file="${file}"/><client name="web"/></config>`);
    return messages(() => loadConfig({ file: own, checkPermissions: false }).warnings.map(({ message }) => message));
  },
};

function messages(read: () => readonly string[]): readonly string[] {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof FleetError) return [thrown.message, thrown.advice];
    throw thrown;
  }
}

function importing(kind: ImportKind): (text: string) => readonly string[] {
  return (text) => {
    writeFileSync(file, text);
    return messages(() => importList(kind, { file, text }).skipped.map(({ where, why }) => `${where}: ${why}`));
  };
}

const secret = fc
  .uint8Array({ minLength: 24, maxLength: 48 })
  .map((bytes) => Buffer.from(bytes).toString('base64'))
  .chain((text) =>
    fc.constantFrom(text, `${text} ${text}`, `@${text}`, `${text}=`, `"${text}`, `Match ${text} x`, `%${text}`),
  );

function assertUnquoted(said: readonly string[], secrets: readonly string[]): void {
  for (const message of said) {
    for (const text of secrets) {
      for (let at = 0; at + 8 <= text.length; at += 4) {
        const part = text.slice(at, at + 8);
        if (/[ @"]|Match/.test(part)) continue;
        assert.ok(!message.toLowerCase().includes(part.toLowerCase()), message);
      }
    }
  }
}

const all = [
  ...Object.entries(readers).map(([name, read]) => ({ name, read, text: valid[name] ?? '' })),
  ...importKinds.map((kind) => ({
    name: `import ${kind}`,
    read: importing(kind),
    text: sampleLists[kind].valid,
  })),
];

for (const { name, read, text } of all) {
  describe(name, () => {
    it('a private key in its place is quoted by no message', () => {
      assertUnquoted(read(privateKey), keyLines.slice(1, -1));
      for (const line of keyLines)
        assertUnquoted(
          read(line),
          [line].filter((one) => !one.startsWith('-----')),
        );
    });

    it('a line of a secret at any place is quoted by no message', () => {
      const lines = text.split('\n');
      const place = fc.nat({ max: lines.length });
      fc.assert(
        fc.property(secret, place, (one, at) => assertUnquoted(read(lines.toSpliced(at, 0, one).join('\n')), [one])),
        { numRuns },
      );
    });
  });
}
