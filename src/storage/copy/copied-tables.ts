import type { MigrationFile } from '../migrate/migration-files.ts';

/** A table, with the facts by which its rows are read and compared. */
export interface CopiedTable {
  readonly name: string;
  /** The columns of its primary key, in order. */
  readonly key: readonly string[];
  /** Columns whose text a server may write in another form. */
  readonly json: readonly string[];
  /** Columns of times with milliseconds. */
  readonly times: readonly string[];
  /** True if its ids come from a counter that never gives out the id of a removed row. */
  readonly hasCounter: boolean;
  /** The number of rows that are read at once. */
  readonly pageRows: number;
}

/** The tables that are not copied: the alerter's lease and the shares of collectors belong to one database. */
const notCopied = ['leases', 'collectors', 'cycles', 'slices'];
/** The table that is copied last: its rows show whether a copy has been used. */
const last = 'runs';
const pageRows = 2000;
/** The page size for tables with texts of any length, whose pages may take megabytes. */
const widePageRows = 200;
const widestPageRows = 20;

/** Returns the tables that the migrations of MySQL make, in the order of copying. */
export function copiedTables(files: readonly MigrationFile[]): readonly CopiedTable[] {
  const steps = files.flatMap((file) => file.steps);
  const tables = steps.flatMap((step): readonly CopiedTable[] => {
    const [, name = '', body = ''] = /^CREATE TABLE (\w+) \((.*)\)/.exec(step) ?? [];
    if (name === '' || notCopied.includes(name)) return [];
    const written = steps.filter((other) => other.startsWith(`ALTER TABLE ${name} `)).join(' ');
    return [
      { name, key: keyOf(name, body), hasCounter: body.includes('AUTO_INCREMENT'), ...columnsOf(`${body} ${written}`) },
    ];
  });
  return [...tables.filter(({ name }) => name !== last), ...tables.filter(({ name }) => name === last)];
}

function keyOf(name: string, body: string): readonly string[] {
  const several = /PRIMARY KEY \(([^)]+)\)/.exec(body)?.[1]?.split(', ');
  const one = /(?:^|, ?| )(\w+) +(?:VARCHAR\(\d+\)|BIGINT|INT)[^,]* PRIMARY KEY/.exec(body)?.[1];
  const key = several ?? (one === undefined ? [] : [one]);
  if (key.length === 0) throw new Error(`the table ${name} has no primary key`);
  return key;
}

function columnsOf(columns: string): Pick<CopiedTable, 'json' | 'times' | 'pageRows'> {
  const ofType = (type: string): readonly string[] =>
    [...columns.matchAll(new RegExp(`(\\w+) +${type}`, 'g'))].map(([, column = '']) => column);
  const [json, times] = [ofType('JSON\\b'), ofType('DATETIME\\(3\\)')];
  if (/\b(?:LONGTEXT|\w*BLOB)\b/.test(columns)) return { json, times, pageRows: widestPageRows };
  return { json, times, pageRows: /\b(?:JSON|\w*TEXT)\b/.test(columns) ? widePageRows : pageRows };
}
