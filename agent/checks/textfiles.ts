/** Reads the *.prom files that other programs write. agent/capture/facts.awk prints the same lines. */
import { constants, promises as fs } from 'node:fs';

import { errorCode } from '../probes/source.ts';

const maxFiles = 50;
const maxBytes = 1024 * 1024;
/** The metrics of hardware and updates that the collector knows (src/report/checks/textfiles.ts). */
const known =
  /^(smartmon_(device_smart_(available|healthy)|(reallocated_sector_ct|current_pending_sector|offline_uncorrectable|grown_defects_count)_raw_value)|nvme_(critical_warning(_total)?|media_errors_total|percentage_used_ratio)|apt_(upgrades|autoremove)_pending|megaraid_(healthy|degraded|failed|battery_backup_healthy|pd_(media_errors|predictive_errors|smart_alerted))|node_ipmi_(chassis_fault|sensor_state|speed_rpm|temperature_celsius))$/;
/** A sample of one of these metrics is fine unless it is 0, any other only at 0; a temperature below `fineBelow`. */
const fineAboveZero = /available|healthy|rpm/;
const fineBelow = 90;
const [zero, aboveZero, decimal] = [/^[-+]?[0.]+([eE]|$)/, /^\+?[\d.]*[1-9][\d.]*([eE]|$)/, /^[-+]?[\d.]+([eE]|$)/];
/** The name of an attribute of smartmon.py, which smartmon.sh has in the name of the metric. */
const attributeForm = /[{,][ \t]*name="(\w+)"/;

/**
 * A sample as Prometheus reads it: blanks around the labels are optional, and so are those before the name. A name in
 * quotes stands among the labels.
 */
const sampleForm =
  /^[ \t]*([a-z_:][\w:]*)?(?:[ \t]*\{(?:[ \t]*"(.*?)")?.*\}[ \t]*|[ \t]+)([-+]?(?:[\d.]+(?:e[-+]?\d+)?|0x\S+|nan|inf(?:inity)?))(?!\S)/i;

/** The most samples of a folder that `metrics` requests. */
const maxWanted = 2000;

/**
 * Returns for each file `file=AGE NAME` and the samples of known metrics. Keeps one of a known metric's samples that
 * are fine. A line `fault=` names a file that cannot be read, or its first wrong line; its other lines count. Behind
 * all files are the samples of `metrics` (globs with commas between them), each with `+` before it.
 */
export async function linesOfTextfiles(dir: string, metrics = ''): Promise<string[]> {
  const names = (await fs.readdir(dir)).filter((name) => /^[^.].*\.prom$/.test(name)).sort();
  const globs = new RegExp(`^(${metrics.replace(/\*/g, '.*').replace(/,/g, '|')})$`);
  const lines: string[] = [];
  const wanted: string[] = [];
  const owners = [0, process.getuid?.(), (await fs.stat(dir)).uid];
  for (const name of names.slice(0, maxFiles)) {
    lines.push(...(await linesOfTextfile({ dir, owners }, name, globs, wanted)));
  }
  if (names.length > maxFiles) lines.push(`fault=more than ${maxFiles} files`);
  return [...lines, ...wanted];
}

async function linesOfTextfile(folder: Folder, name: string, globs: RegExp, wanted: string[]): Promise<string[]> {
  const file = `${folder.dir}/${name}`;
  const status = await fs.lstat(file).catch(() => null);
  if (status?.isFile() !== true && status?.isSymbolicLink() !== true) return [];
  const lines = [`file=${Math.round((Date.now() - status.mtimeMs) / 1000)} ${name}`];
  const { text, fault } = await readOwn(file, folder.owners);
  if (fault !== null) lines.push(`fault=${fault}`);
  const fine = new Set<string>();
  let isWrong = false;
  for (const [index, line] of text.split('\n').entries()) {
    const [, name, quoted, value = ''] = sampleForm.exec(line) ?? [];
    let metric = name ?? quoted;
    if (!metric) {
      if (/^[ \t\r]*(?:#|$)/.test(line)) continue;
      // The line itself may be a secret.
      if (!isWrong) lines.push(`fault=line ${index + 1} is no sample`);
      isWrong = true;
      continue;
    }
    const sample = line.slice(0, 300);
    if (wanted.length < maxWanted && globs.test(metric)) wanted.push(`+${sample}`);
    if (metric === 'smartmon_attr_raw_value') metric = `smartmon_${attributeForm.exec(line)?.[1]}_raw_value`;
    if (!known.test(metric)) continue;
    const isFine = metric.endsWith('celsius')
      ? decimal.test(value) && Number(value) < fineBelow
      : (fineAboveZero.test(metric) ? aboveZero : zero).test(value);
    if (!isFine || !fine.has(metric)) lines.push(sample);
    if (isFine) fine.add(metric);
  }
  return lines;
}

interface Folder {
  readonly dir: string;
  /** The accounts whose files are read: root, this account, and the folder's owner. */
  readonly owners: readonly (number | undefined)[];
}

/**
 * Reads a file of a folder into which others may write. Follows no link: it could lead to a file that only this account
 * may read.
 */
async function readOwn(file: string, owners: readonly (number | undefined)[]) {
  let opened: Awaited<ReturnType<typeof fs.open>> | null = null;
  try {
    opened = await fs.open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { uid, size } = await opened.stat();
    if (!owners.includes(uid)) return { text: '', fault: 'of another account' };
    if (size > maxBytes) return { text: '', fault: 'longer than 1 MiB' };
    return { text: await opened.readFile('utf8'), fault: null };
  } catch (error) {
    const code = errorCode(error);
    return { text: '', fault: code === 'ELOOP' ? 'a link' : code };
  } finally {
    await opened?.close();
  }
}
