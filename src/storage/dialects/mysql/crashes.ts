/** The settings of a server of which people should know: what a crash takes, and what stands in the way later. */

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

interface Hindrance {
  readonly name: string;
  readonly stands: (value: string, settings: ReadonlyMap<string, string>) => boolean;
  /** Its consequence, and the remedy. */
  readonly says: string;
}

const isBelow =
  (least: number) =>
  (value: string): boolean =>
    Number(value) < least;
const mib = 1024 * 1024;

/**
 * The settings that hinder the program, and that a session cannot set, or could not for lack of a right: the values are
 * those of a session that is set up. What fails at once is no entry: the statement that fails says so.
 */
const hindrances: readonly Hindrance[] = [
  {
    name: 'binlog_format',
    stands: (value, settings) => value === 'STATEMENT' && settings.get('log_bin') === 'ON',
    says: 'it refuses all that is stored; set it to ROW or MIXED, or grant the account BINLOG ADMIN',
  },
  {
    name: 'enforce_storage_engine',
    stands: (value) => !/^(?:innodb)?$/i.test(value),
    says: 'it refuses the tables of a new schema; empty it',
  },
  {
    name: 'alter_algorithm',
    stands: (value) => /^(?:INSTANT|NOCOPY|INPLACE)$/.test(value),
    says: 'it may refuse changes of the schema; set it to DEFAULT',
  },
  {
    name: 'max_allowed_packet',
    stands: isBelow(4 * mib),
    says: 'a large report does not fit and is set aside; set it to 16777216 at least',
  },
  {
    name: 'max_prepared_stmt_count',
    stands: isBelow(1000),
    says: 'a session prepares up to some hundred statements; set it to 16382, the default',
  },
  {
    name: 'max_user_connections',
    stands: (value) => Number(value) > 0 && Number(value) < 5,
    says: 'collect, alert, serve and commands of people need a connection each; allow the account 5 at least',
  },
  {
    name: 'innodb_force_recovery',
    stands: (value) => Number(value) > 0,
    says: 'the server repairs itself, and accepts few changes or none; set it to 0 once it has',
  },
  {
    name: 'wsrep_osu_method',
    stands: (value, settings) => value === 'RSU' && settings.get('wsrep_on') === 'ON',
    says: 'migrations change the schema of one node alone; set it to TOI',
  },
  {
    name: 'innodb_page_size',
    stands: isBelow(16_384),
    says: 'keys and rows of the schema may be too long for it; the default is 16384',
  },
];

/** Reads the settings as rows of Variable_name and Value. */
export const settingsSql = `SHOW VARIABLES WHERE Variable_name IN
  ('version', 'log_bin', ${[...crashSettings, ...hindrances].map(({ name }) => `'${name}'`).join(', ')})`;

/** Returns a sentence for each setting that hinders the program. */
export function hindranceSentences(where: string, settings: ReadonlyMap<string, string>): readonly string[] {
  return hindrances.flatMap(({ name, stands, says }) => {
    const value = settings.get(name);
    return value === undefined || !stands(value, settings) ? [] : `database ${where} has ${name} = ${value}: ${says}`;
  });
}

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
