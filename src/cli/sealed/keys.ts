import { generateKey, type ListedKey, listKeys, rotateKeys } from '../../collector/keys/key-ring.ts';
import { importPublicKey } from '../../collector/keys/public-keys.ts';
import { retireKey } from '../../collector/keys/retire-key.ts';
import { selectClients } from '../../config/clients/select-clients.ts';
import type { Config } from '../../config/config.ts';
import { asFleetError, type FleetError } from '../../platform/errors/errors.ts';
import { siteOfSender } from '../../report/seal/push.ts';
import { statePaths, type StatePaths } from '../../state-folder/paths.ts';
import { readPushKeys } from '../../state-folder/push-keys.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import type { KeyUse } from '../../storage/store/sealed-store.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { readStored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { wholeId } from '../command/whole-id.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { utcMinute } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';
import type { retireParameters } from './parameters.ts';

/** Runs `keys list`: lists the live keys, newest first. */
export function keysListCommand(context: Context): ExitStatus {
  const { output } = context;
  const config = loadSettings(context);
  const paths = statePaths(config.stateDir);
  const keys = [...listKeys(paths, config.collector.open)].reverse();
  return printAnswer(
    output,
    () => ({ command: 'keys', keys: keys.map(keyJson) }),
    () => (keys.length === 0 ? `No key pair in ${paths.keys} yet; ${nextStep(config)}` : keyTable(context, keys)),
  );
}

/** Runs `keys generate`: makes the first pair. */
export function keysGenerateCommand(context: Context): ExitStatus {
  const { config, paths } = claimKeys(context);
  return printMade(context, config, 'generate', generateKey(paths, Date.now()));
}

/** Runs `keys rotate`: makes a new pair. Older pairs still open. */
export function keysRotateCommand(context: Context): ExitStatus {
  const { config, paths } = claimKeys(context);
  const sites = readPushKeys(paths.pushKeys).flatMap(({ client }) => siteOfSender(client) ?? []);
  const next = sites.map(
    (site) => `Site ${site} seals to it once it has what fleet-health enroll ${site} --site prints.`,
  );
  return printMade(context, config, 'rotate', rotateKeys(paths, Date.now()), next);
}

/** Runs `keys import-public`: stores the public half of a pair on another machine. */
export function keysImportCommand(context: Context, file: string): ExitStatus {
  const { config, paths } = claimKeys(context);
  const imported = importPublicKey(paths, file, Date.now());
  const key = listKeys(paths, config.collector.open).find(({ id }) => id === imported.id) ?? {
    ...imported,
    seals: false,
    opens: false,
  };
  return printDone(
    context.output,
    () => ({ command: 'keys', 'import-public': keyJson(key) }),
    () =>
      key.seals
        ? `Reports are sealed to key ${key.id} from now on: ${key.file}`
        : `Reports that are sealed to key ${key.id} are taken; a newer key seals: ${key.file}`,
  );
}

/** Runs `keys retire`: deletes a key for good. Throws FleetError `key-in-use` if waiting reports may need the key. */
export async function keysRetireCommand(
  context: Context,
  { id: text, force, except: names }: OptionsOf<typeof retireParameters>,
): Promise<ExitStatus> {
  const { config, paths } = claimKeys(context);
  const opens = config.collector.open;
  const ids = listKeys(paths, opens).map((key) => key.id);
  const id = wholeId(ids, text, 'key');
  const except = names.length === 0 ? [] : selectClients(config, { names, groups: [] }).map(({ name }) => name);
  const use = force ? null : await useOf(context, config, id);
  const key = retireKey({ paths, id, opens, use, clients: config.clients, except, force, nowMs: Date.now() });
  return printDone(
    context.output,
    () => ({ command: 'keys', retire: keyJson(key) }),
    () =>
      key.opens
        ? `Key ${key.id} is gone; what is sealed to it can never be opened again.`
        : `The public key ${key.id} is gone; what is sealed to it is not taken here any more.`,
  );
}

function claimKeys(context: Context): { readonly config: Config; readonly paths: StatePaths } {
  const config = loadSettings(context);
  const paths = statePaths(config.stateDir);
  claimStateFolder(paths, ['keys', 'publicKeys', 'retiredKeys']);
  return { config, paths };
}

function printMade(
  { output }: Context,
  { collector }: Config,
  action: 'generate' | 'rotate',
  key: ListedKey,
  next: readonly string[] = [],
): ExitStatus {
  return printDone(
    output,
    () => ({ command: 'keys', [action]: keyJson(key) }),
    () => {
      const here = collector.open
        ? `Key ${key.id} seals from now on: ${key.file}`
        : `Key ${key.id} opens here: ${key.file}\nThe collector seals to it once it has the file of that name in ` +
          'public_keys/: fleet-health keys import-public FILE';
      return [here, ...next].join('\n');
    },
  );
}

function nextStep({ collector }: Config): string {
  return collector.open
    ? 'the first collect makes one.'
    : 'where reports are opened, fleet-health keys generate makes one; ' +
        'fleet-health keys import-public FILE takes its public half.';
}

/** Returns the uses of a key in the database, or the fault of reading it; null if there is no database yet. */
async function useOf({ signal }: Context, { storage }: Config, id: string): Promise<KeyUse | FleetError | null> {
  try {
    return await readStored(storage, signal, async (stored) => (await stored?.sealed.useOf(id)) ?? null);
  } catch (thrown) {
    signal.throwIfAborted();
    return asFleetError(thrown, { code: 'storage-failed', stage: 'storage' });
  }
}

function keyJson({ id, createdAtMs, seals, opens, file }: ListedKey): object {
  return jsonFields({ id, createdAtMs, seals, opens, file });
}

function useText({ seals, opens }: ListedKey): string {
  if (!opens) return seals ? 'seals; opens elsewhere' : 'opens elsewhere';
  return seals ? 'seals and opens' : 'opens';
}

function keyTable({ output }: Context, keys: readonly ListedKey[]): string {
  return renderTable(
    output,
    [
      { title: 'key', cell: ({ id }) => id },
      { title: 'made', cell: ({ createdAtMs }) => utcMinute(createdAtMs) },
      { title: 'use', cell: (key) => (key.seals ? { text: useText(key), colour: 'green' } : useText(key)) },
      { title: 'file', shrinks: true, cell: ({ file }) => file },
    ],
    keys,
  );
}
