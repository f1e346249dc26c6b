import { generateKey, listKeys, rotateKeys, type ListedKey } from '../../collector/keys/key-ring.ts';
import { importPublicKey } from '../../collector/keys/public-keys.ts';
import { retireKey } from '../../collector/keys/retire-key.ts';
import type { Config } from '../../config/config.ts';
import { selectClients } from '../../config/clients/select-clients.ts';
import type { FleetError } from '../../errors.ts';
import { asFleetError } from '../../errors.ts';
import { statePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import type { KeyUse } from '../../storage/store/sealed-store.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readStored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { renderTable } from '../terminal/table.ts';

export type KeysAction = 'list' | 'generate' | 'rotate' | 'retire' | 'import-public';

export interface KeysOptions {
  readonly action: KeysAction;
  /** Of `retire` the key's id, of `import-public` the file; null of the others. */
  readonly what: string | null;
  /** Of `retire`: gives up what only this key opens. */
  readonly force: boolean;
  /** Of `retire`: clients, or patterns of their names, whose reports are given up. */
  readonly except: readonly string[];
}

/** `keys list|generate|rotate|retire|import-public`: the keys in the state folder. */
export async function keysCommand(context: Context, options: KeysOptions): Promise<ExitStatus> {
  const { output } = context;
  const config = loadSettings(context);
  const paths = statePaths(config.stateDir);
  if (options.action === 'list') {
    const keys = [...listKeys(paths, config.collector.open)].reverse();
    if (output.json) output.printJson({ command: 'keys', keys: keys.map(keyJson) });
    else if (keys.length === 0) output.print(`No key pair in ${paths.keys} yet; ${nextStep(config)}`);
    else printKeys(context, keys);
    return 0;
  }
  claimStateFolder(paths, ['keys', 'publicKeys', 'retiredKeys']);
  const key = await change(context, config, options);
  if (output.json) output.printJson({ command: 'keys', [options.action]: keyJson(key) });
  else output.print(sentence(options.action, key, config));
  return 0;
}

function nextStep({ collector }: Config): string {
  return collector.open
    ? 'the first collect makes one.'
    : 'where reports are opened, fleet-health keys generate makes one; fleet-health keys import-public FILE takes its public half.';
}

async function change(
  context: Context,
  config: Config,
  { action, what, force, except: given }: KeysOptions,
): Promise<ListedKey> {
  const paths = statePaths(config.stateDir);
  const nowMs = Date.now();
  const opens = config.collector.open;
  if (action === 'generate') return generateKey(paths, nowMs);
  if (action === 'rotate') return rotateKeys(paths, nowMs);
  const id = what ?? '';
  if (action === 'import-public') {
    const imported = importPublicKey(paths, id, nowMs);
    return listKeys(paths, opens).find((key) => key.id === imported.id) ?? { ...imported, seals: false, opens: false };
  }
  const except = given.length === 0 ? [] : selectClients(config, { names: given, groups: [] }).map(({ name }) => name);
  const use = force ? null : await useOf(context, config, id);
  return retireKey({ paths, id, opens, use, clients: config.clients, except, force, nowMs });
}

/** What the database knows of a key, or why it cannot be asked; null: there is no database yet. */
async function useOf({ signal }: Context, { storage }: Config, id: string): Promise<KeyUse | FleetError | null> {
  try {
    return await readStored(storage, signal, ({ sealed }) => sealed?.useOf(id) ?? Promise.resolve(null));
  } catch (thrown) {
    signal.throwIfAborted();
    return asFleetError(thrown, { code: 'storage-failed', stage: 'storage' });
  }
}

function sentence(action: KeysAction, key: ListedKey, { collector }: Config): string {
  switch (action) {
    case 'retire':
      return key.opens
        ? `Key ${key.id} is gone; what is sealed to it can never be opened again.`
        : `The public key ${key.id} is gone; what is sealed to it is not taken here any more.`;
    case 'import-public':
      return key.seals
        ? `Reports are sealed to key ${key.id} from now on: ${key.file}`
        : `Reports that are sealed to key ${key.id} are taken; a newer key seals: ${key.file}`;
    default:
      return collector.open
        ? `Key ${key.id} seals from now on: ${key.file}`
        : `Key ${key.id} opens here: ${key.file}\nThe collector seals to it once it has the file of that name in public_keys/: fleet-health keys import-public FILE`;
  }
}

function keyJson(key: ListedKey): unknown {
  return {
    id: key.id,
    created_at: new Date(key.createdAtMs).toISOString(),
    seals: key.seals,
    opens: key.opens,
    file: key.file,
  };
}

function useText({ seals, opens }: ListedKey): string {
  if (!opens) return seals ? 'seals; opens elsewhere' : 'opens elsewhere';
  return seals ? 'seals and opens' : 'opens';
}

function printKeys({ output }: Context, keys: readonly ListedKey[]): void {
  output.print(
    renderTable(
      output,
      [{ title: 'key' }, { title: 'made' }, { title: 'use' }, { title: 'file', shrinks: true }],
      keys.map((key) => [
        key.id,
        new Date(key.createdAtMs).toISOString().slice(0, 19).replace('T', ' '),
        key.seals ? { text: useText(key), colour: 'green' } : useText(key),
        key.file,
      ]),
    ),
  );
}
