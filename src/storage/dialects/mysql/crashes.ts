/** The settings of a server that decide what a crash takes of what the server has confirmed. */

interface CrashSetting {
  readonly name: string;
  /** The values with which a crash takes nothing. */
  readonly safe: readonly string[];
  /** Sentences about other values, by value, and what to do; the entry '' is for all others. */
  readonly takes: Readonly<Record<string, string>>;
}

const machineCrash = 'a crash of its machine or a power cut';
const storedAgain = 'collect stores its own again for as long as keepStored';

const crashSettings: readonly CrashSetting[] = [
  {
    name: 'innodb_flush_log_at_trx_commit',
    safe: ['1', '3'],
    takes: {
      '2': `${machineCrash} takes the commits of the last seconds; ${storedAgain}; set it to 1`,
      '': `a crash of the server takes the commits of the last seconds; ${storedAgain}; set it to 1`,
    },
  },
  {
    name: 'innodb_doublewrite',
    safe: ['ON', '1', 'DETECT_AND_RECOVER'],
    takes: { '': `${machineCrash} can damage a page, which only a backup or a copy mends; set it to ON` },
  },
  {
    name: 'sync_binlog',
    safe: ['1'],
    takes: { '': `${machineCrash} takes the newest events of the binary log, which replicas then lack; set it to 1` },
  },
  {
    name: 'wsrep_on',
    safe: ['OFF'],
    takes: {
      '':
        'nodes of the cluster that crash in quick succession can take commits that it has confirmed ' +
        `(MDEV-38974, MDEV-38976); ${storedAgain}`,
    },
  },
];

/** Reads the settings as rows of Variable_name and Value. */
export const settingsSql = `SHOW VARIABLES WHERE Variable_name IN
  ('version', 'log_bin', ${crashSettings.map(({ name }) => `'${name}'`).join(', ')})`;

/** Returns the settings of a server with which a crash takes something. */
function looseSettings(
  settings: ReadonlyMap<string, string>,
): readonly { readonly setting: CrashSetting; readonly value: string }[] {
  return crashSettings.flatMap((setting) => {
    const value = settings.get(setting.name);
    const isIdle = setting.name === 'sync_binlog' && settings.get('log_bin') !== 'ON';
    return value === undefined || setting.safe.includes(value) || isIdle ? [] : { setting, value };
  });
}

/** Returns a server in words, with the settings that let it forget what it has confirmed. */
export function describeServer(where: string, settings: ReadonlyMap<string, string>): string {
  const version = settings.get('version') ?? '';
  const product = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  const loose = looseSettings(settings).map(({ setting: { name }, value }) => `${name} = ${value}`);
  return [`${product} ${version.replace(/-mariadb.*/i, '')} at ${where}`, ...loose].join(', ');
}

/** Returns a sentence for each setting with which a crash takes something. */
export function crashSentences(where: string, settings: ReadonlyMap<string, string>): readonly string[] {
  return looseSettings(settings).map(
    ({ setting: { name, takes }, value }) =>
      `database ${where} has ${name} = ${value}: ${takes[value] ?? takes[''] ?? ''}`,
  );
}

/** A replica that is this far behind is worth a sentence. */
const lagS = 10;

/**
 * Returns the sentences about the delay of a server that is a replica, from the rows of SHOW REPLICA STATUS. null: the
 * account may not read them.
 */
export function replicaSentences(
  where: string,
  rows: readonly Readonly<Record<string, unknown>>[] | null,
): readonly string[] {
  if (rows === null) {
    return [`database ${where}: the account may not read how far replication lags (REPLICATION CLIENT, SLAVE MONITOR)`];
  }
  return rows.flatMap((row) => {
    const value = row['Seconds_Behind_Source'] ?? row['Seconds_Behind_Master'] ?? null;
    const behind = value === null ? null : Number(value);
    const isLate = behind === null || behind >= lagS;
    const delay = behind === null ? 'does not replicate now' : `is ${behind} s behind`;
    return isLate
      ? [`database ${where} is a replica that ${delay}: if it becomes the only server, it lacks what came since`]
      : [];
  });
}
