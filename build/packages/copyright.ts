import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Returns the licence of the project. */
export function ownCopyright(program: string): string {
  return `Fleet Health\n\n${readFileSync(path.join(program, 'LICENSE'), 'utf8')}`;
}

/**
 * Returns the licences of the packages that are installed beside the program; with `names`, of these packages alone.
 */
export function packagesCopyright(program: string, names?: readonly string[]): string {
  const from = path.join(program, 'node_modules');
  const folders = (names ?? packageNames(from)).toSorted();
  const bundled = readFileSync(path.join(program, 'dist', 'LICENCES.txt'), 'utf8');
  return [
    'Packages of others, each in node_modules/NAME of the program:',
    ...folders.map((name) => packageCopyright(path.join(from, name), name)),
    'Parts of others in dist/:',
    bundled,
  ].join('\n\n');
}

function packageNames(from: string): readonly string[] {
  return readdirSync(from)
    .filter((name) => !name.startsWith('.') && name !== '@types' && name !== 'undici-types')
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(path.join(from, name)).map((one) => `${name}/${one}`) : [name],
    );
}

function packageCopyright(folder: string, name: string): string {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  const text =
    file !== undefined && existsSync(path.join(folder, file)) ? readFileSync(path.join(folder, file), 'utf8') : '';
  const licence = typeof manifest['license'] === 'string' ? manifest['license'] : 'see below';
  const isCommon = licence === 'Apache-2.0';
  const shown = isCommon ? `The whole licence: /usr/share/common-licenses/${licence}` : text.trim();
  return `${name} ${String(manifest['version'])}: ${licence}\n${shown}`;
}
