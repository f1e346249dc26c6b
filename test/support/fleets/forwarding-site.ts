/**
 * A collector with the database, whose `serve` takes pushes, and a site without a database.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { serveFolder, type Served } from '../../look/serve/support/served-fleet.ts';
import { isWide } from '../long-tests.ts';
import {
  configFolder,
  runFirstBuilt,
  runCli,
  startCli,
  succeeded,
  type CliOptions,
  type CliResult,
} from '../programs/run-cli.ts';
import { openBeside } from '../databases/open-beside.ts';

export type Run = (...args: readonly string[]) => Promise<CliResult>;

export interface ForwardingSite {
  readonly hq: Omit<Served, 'run'> & {
    readonly run: Run;
    readonly rows: (statement: string) => readonly string[];
    readonly change: (statement: string) => void;
    readonly serveAgain: () => Promise<ChildProcess>;
  };
  readonly site: {
    readonly dir: string;
    readonly run: Run;
    /** The folder and environment of the program at the site. */
    readonly options: CliOptions;
    /** Returns the names of the sealed files and documents that wait at the site. */
    readonly waiting: () => readonly string[];
  };
}

export interface ForwardingOptions {
  /** The clients of the site in the collector's config.xml. Default: web-1. */
  readonly clients?: string;
  /** The clients in the site's config.xml. Default: web-1, this machine. */
  readonly own?: string;
  /** Attributes of the site's `<collector>`. */
  readonly attributes?: string;
}

/** In the second tier each command is tried by the built program. */
const program = isWide ? runFirstBuilt : runCli;

/** Starts the collector and enrols the site. Nothing has run at the site yet. */
export async function forwardingSite(t: TestContext, options: ForwardingOptions = {}): Promise<ForwardingSite> {
  const { clients = '<client name="web-1"/>', attributes = '' } = options;
  const { own = '<client name="web-1" transport="local"/>' } = options;
  const group = `<group transport="forward" labels="site=fra">${clients}</group>`;
  const hqDir = configFolder(
    t,
    `<config><alerts mail="ops@example.org" zone="UTC"/><retention raw="400d"/>${group}</config>`,
  );
  const served = await serveFolder(t, hqDir, { parts: '<push/>' });
  const run: Run = (...args) => program(args, { cwd: hqDir });
  const siteDir = configFolder(t, '');
  await succeeded(run('enroll', 'fra', '--site', '-o', path.join(siteDir, 'fra.json')));
  const forward = `<forward url="http://127.0.0.1:${served.port}/v1/visit" key="fra.json"/>`;
  writeFileSync(
    path.join(siteDir, 'config.xml'),
    `<config><collector open="no" ${attributes}>${forward}</collector>${own}</config>`,
    { mode: 0o600 },
  );
  const home = path.join(siteDir, 'home');
  mkdirSync(home);
  const state = path.join(siteDir, 'state');
  const siteOptions: CliOptions = { cwd: siteDir, env: { HOME: home } };
  /** Returns the rows of a statement. Each is a text of its values, separated by blanks. */
  const rows = (statement: string): readonly string[] => {
    const database = openBeside(path.join(hqDir, 'state', 'fleet.db'), { readOnly: true });
    try {
      return database
        .prepare(statement)
        .all()
        .map((row) => Object.values(row).join(' '));
    } finally {
      database.close();
    }
  };
  const change = (statement: string): void => {
    const database = openBeside(path.join(hqDir, 'state', 'fleet.db'));
    try {
      database.exec(statement);
    } finally {
      database.close();
    }
  };
  /** Starts `serve` again on its port. */
  const serveAgain = async (): Promise<ChildProcess> => {
    const child = startCli(['serve'], { cwd: hqDir });
    t.after(() => child.kill('SIGKILL'));
    await new Promise<void>((resolve, reject) => {
      let log = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('event=serve-started')) resolve();
      });
      child.once('close', () => reject(new Error(`the server ended: ${log}`)));
    });
    return child;
  };
  return {
    hq: { ...served, run, rows, change, serveAgain },
    site: {
      dir: siteDir,
      options: siteOptions,
      run: (...args) => program(args, siteOptions),
      waiting: () =>
        ['encrypted_stats', 'inbox'].flatMap((place) =>
          (existsSync(path.join(state, place))
            ? readdirSync(path.join(state, place), { recursive: true, encoding: 'utf8' })
            : []
          ).filter((name) => /\.(?:fhs|json)$/.test(name)),
        ),
    },
  };
}
