/** Draws the pages of Munin for a fleet of made files: the cost of another program for as many machines. */
import { copyFileSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { costOf, run } from './children.ts';

/** The plots of a host and their lines: a part of the default plots of Munin's node. */
const plugins = {
  cpu: ['user', 'system', 'iowait'],
  memory: ['used'],
  swap: ['used'],
  load: ['load'],
  df: ['rootfs', 'var', 'home'],
  if_eth0: ['down', 'up'],
  processes: ['processes'],
} as const;

/**
 * The archives of Munin: steps of five minutes for two days, of half an hour for nine, of two hours for 45, of a day
 * for 450.
 */
const archives = ['1:576', '6:432', '24:540', '288:450'].flatMap((size) =>
  ['AVERAGE', 'MIN', 'MAX'].map((kind) => `RRA:${kind}:0.5:${size}`),
);
const stepSeconds = 300;
const storedDays = 30;

export interface MuninPages {
  /** The CPU time of drawing all plots and writing all pages, ms. */
  readonly cpuMs: number;
  readonly megabytes: number;
}

/** Makes the database of this many hosts, and draws their pages once. */
export function drawMunin(dir: string, hosts: number): MuninPages {
  const [data, html] = [path.join(dir, 'data'), path.join(dir, 'html')];
  for (const folder of [data, html, path.join(data, 'fleet'), path.join(dir, 'log')]) mkdirSync(folder);
  const conf = path.join(dir, 'munin.conf');
  const names = Array.from({ length: hosts }, (_, index) => `web-${index}.example.org`);
  writeFileSync(
    conf,
    [
      ...[`dbdir ${data}`, `htmldir ${html}`, `logdir ${dir}/log`, `rundir ${dir}`, 'tmpldir /etc/munin/templates'],
      ...['staticdir /etc/munin/static', 'graph_strategy cron', 'html_strategy cron', 'max_graph_jobs 1'],
      ...names.map((name) => `[fleet;${name}]\n  address 127.0.0.1`),
    ].join('\n') + '\n',
  );
  makeArchive(path.join(dir, 'one.rrd'));
  const lines = ['version 2.0.73'];
  for (const name of names) {
    for (const [plugin, fields] of Object.entries(plugins)) {
      const key = `fleet;${name}:${plugin}`;
      lines.push(`${key}.graph_title ${plugin}`, `${key}.graph_order ${fields.join(' ')}`);
      for (const field of fields) {
        lines.push(`${key}.${field}.label ${field}`);
        copyFileSync(path.join(dir, 'one.rrd'), path.join(data, 'fleet', `${name}-${plugin}-${field}-g.rrd`));
      }
    }
  }
  writeFileSync(path.join(data, 'datafile'), `${lines.join('\n')}\n`);
  // An empty file under the last name would count as damaged and be removed.
  const stored = path.join(data, 'stored');
  const store = '/usr/share/munin/munin-datafile2storable "$0" > "$1"';
  run('/bin/sh', ['-c', store, path.join(data, 'datafile'), stored]);
  renameSync(stored, path.join(data, 'datafile.storable'));
  copyFileSync(path.join(data, 'datafile.storable'), path.join(data, 'limits.storable'));
  const { cpuMs } = costOf(() => {
    // The order is that of munin-cron: the pages make the folders of the plots.
    run('/usr/share/munin/munin-html', ['--force-run-as-root', '--config', conf]);
    run('/usr/share/munin/munin-graph', ['--force-run-as-root', '--config', conf, '--no-fork', '--no-lazy']);
  });
  const files = readdirSync(html, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const pictures = files.filter(({ name }) => name.endsWith('.png'));
  const least = hosts * Object.keys(plugins).length * 4;
  if (pictures.length < least) throw new Error(`Munin drew ${pictures.length} pictures of ${least}`);
  const bytes = files.map((file) => statSync(path.join(file.parentPath, file.name)).size);
  return { cpuMs, megabytes: bytes.reduce((sum, one) => sum + one, 0) / 1e6 };
}

function makeArchive(file: string): void {
  const steps = (storedDays * 86_400) / stepSeconds;
  const start = Math.floor(Date.now() / 1000 / stepSeconds) * stepSeconds - steps * stepSeconds;
  const source = `DS:42:GAUGE:600:U:U`;
  run('rrdtool', ['create', file, '--start', String(start), '--step', String(stepSeconds), source, ...archives]);
  const values = Array.from({ length: steps }, (_, step) => {
    return `${start + (step + 1) * stepSeconds}:${(50 + 40 * Math.sin((step * Math.PI) / 144)).toFixed(2)}`;
  });
  run('rrdtool', ['update', file, ...values]);
}
