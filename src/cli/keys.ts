import { generateKey, listKeys, retireKey, rotateKeys, type ListedKey } from '../collector/key-ring.ts';
import { statePaths } from '../paths.ts';
import { claimStateFolder } from '../state-folder.ts';
import type { Context, ExitStatus } from './context.ts';
import { loadSettings } from './settings.ts';
import { renderTable } from './table.ts';

export type KeysAction = 'list' | 'generate' | 'rotate' | 'retire';

export interface KeysOptions {
  readonly action: KeysAction;
  /** Of `retire` alone. */
  readonly id: string | null;
}

/** `keys list|generate|rotate|retire`: the key pairs in the state folder. */
export function keysCommand(context: Context, options: KeysOptions): ExitStatus {
  const { output } = context;
  const config = loadSettings(context);
  const paths = statePaths(config.stateDir);
  if (options.action === 'list') {
    const keys = [...listKeys(paths)].reverse();
    if (output.json) output.printJson({ command: 'keys', keys: keys.map(keyJson) });
    else if (keys.length === 0) output.print(`No key pair in ${paths.keys} yet; the first collect makes one.`);
    else printKeys(context, keys);
    return 0;
  }
  claimStateFolder(paths, ['keys', 'publicKeys']);
  const key = change(options, paths);
  if (output.json) output.printJson({ command: 'keys', [options.action]: keyJson(key) });
  else output.print(sentence(options.action, key));
  return 0;
}

function change(options: KeysOptions, paths: Parameters<typeof listKeys>[0]): ListedKey {
  if (options.action === 'generate') return generateKey(paths, Date.now());
  if (options.action === 'rotate') return rotateKeys(paths, Date.now());
  return retireKey(paths, options.id ?? '');
}

function sentence(action: KeysAction, key: ListedKey): string {
  if (action === 'retire') return `Key ${key.id} is gone; what is sealed to it can never be opened again.`;
  return `Key ${key.id} seals from now on: ${key.file}`;
}

function keyJson(key: ListedKey): unknown {
  return { id: key.id, created_at: new Date(key.createdAtMs).toISOString(), seals: key.seals, file: key.file };
}

function printKeys({ output }: Context, keys: readonly ListedKey[]): void {
  output.print(
    renderTable(
      output,
      [{ title: 'key' }, { title: 'made' }, { title: 'use' }, { title: 'file', shrinks: true }],
      keys.map((key) => [
        key.id,
        new Date(key.createdAtMs).toISOString().slice(0, 19).replace('T', ' '),
        key.seals ? { text: 'seals and opens', colour: 'green' } : 'opens',
        key.file,
      ]),
    ),
  );
}
