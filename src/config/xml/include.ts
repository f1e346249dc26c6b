import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';

import { FleetError } from '../../platform/errors/errors.ts';
import { expandHome } from '../../platform/account.ts';
import { oneLine } from '../../text/plain-text.ts';
import { packageDir, systemConfigPath } from '../../state-folder/paths.ts';
import type { Findings, Place, SourceFile } from './findings.ts';
import { fileNameMatcher, isGlob } from '../values/globs.ts';
import { parseElements, type Element } from './parse-elements.ts';
import { readSource } from './read-source.ts';

const maxFiles = 10_000;
const maxTotalBytes = 256 * 1024 * 1024;

/** The result of a reading: the root with all included children in their places. */
export interface ConfigTree {
  /** The root element; null: the text is no <config>, and the faults have been reported. */
  readonly root: Element | null;
  readonly sources: readonly SourceFile[];
  /** SHA-256 (hex) over the content of all files, in the order of reading. */
  readonly digest: string;
  /** True if there was any <include>, even if its pattern matched no file. */
  readonly includes: boolean;
}

/**
 * Reads a configuration file and, in place of every <include>, the children of the included files' roots. Throws
 * FleetError `config-missing` if the file itself does not exist; reports all other faults as findings.
 */
export function readConfigTree(file: string, findings: Findings): ConfigTree {
  return new TreeReader(findings).read(file);
}

class TreeReader {
  readonly #findings: Findings;
  readonly #sources: SourceFile[] = [];
  readonly #hash = createHash('sha256');
  #totalBytes = 0;
  #includes = false;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  read(file: string): ConfigTree {
    const root = this.#readFile(file, []);
    return { root, sources: this.#sources, digest: this.#hash.digest('hex'), includes: this.#includes };
  }

  #readFile(shown: string, above: readonly string[], from?: Place): Element | null {
    const findings = this.#findings;
    const read = readSource({ shown, order: this.#sources.length, findings, ...(from === undefined ? {} : { from }) });
    if (read === null) return null;
    if (read === 'ENOENT') {
      const target = linkTarget(shown);
      if (from !== undefined && target !== null) {
        findings.fault(from, `<include> of ${shown}: it is a symbolic link to ${target}, which does not exist`);
      } else if (from !== undefined)
        findings.fault(from, `<include> names ${shown}, which does not exist; write it, or a pattern`);
      else {
        const sample = path.join(packageDir, 'config.xml');
        const places = `Without -c FILE it is ./config.xml, or else ${systemConfigPath}`;
        const advice = `Write one with \`fleet-health init\`. ${places}. The sample is ${sample}.`;
        const isLink = target !== null;
        const message = isLink
          ? `${shown} is a symbolic link to ${target}, which does not exist`
          : `${shown} does not exist`;
        throw new FleetError({ code: 'config-missing', stage: 'config', message, advice });
      }
      return null;
    }
    this.#sources.push(read.source);
    this.#hash.update(read.bytes);
    this.#totalBytes += read.bytes.length;
    const root = parseElements(read.text, read.source, findings);
    if (root === null) return null;
    if (root.name !== 'config') {
      findings.fault(root, `the root element is <${root.name}>; it must be <config>`);
      return null;
    }
    const { labels } = root.attributes;
    for (const name of Object.keys(root.attributes)) {
      if (name === 'xmlns:xsi' || name.startsWith('xsi:') || (name === 'labels' && above.length === 0)) continue;
      findings.fault(
        root,
        `<config> has no attribute ${name}${above.length === 0 ? '' : ' here'}; settings are elements inside it`,
      );
    }
    root.attributes = labels === undefined || above.length > 0 ? {} : { labels };
    this.#splice(root, [...above, realpathSync(read.source.path)]);
    return root;
  }

  #splice(parent: Element, above: readonly string[]): void {
    const children: Element[] = [];
    for (const child of parent.children) {
      if (child.name !== 'include') {
        this.#splice(child, above);
        children.push(child);
      } else if (includeParents.has(parent.name)) for (const one of this.#included(child, above)) children.push(one);
      // An <include> elsewhere stays: the vocabulary's check rejects it.
      else children.push(child);
    }
    parent.children = children;
  }

  #included(include: Element, above: readonly string[]): readonly Element[] {
    const findings = this.#findings;
    this.#includes = true;
    const wanted = include.attributes['file']?.trim() ?? '';
    for (const name of Object.keys(include.attributes)) {
      if (name !== 'file') findings.fault(include, `<include> has no attribute ${name}; it has file`);
    }
    if (wanted === '') {
      findings.fault(include, '<include> names no file; write file="..."');
      return [];
    }
    const children: Element[] = [];
    const pattern = expandHome(wanted);
    const base = path.isAbsolute(pattern) ? '/' : path.dirname(include.source.shown);
    for (const shown of isGlob(pattern) ? expand(base, pattern) : [path.join(base, pattern)]) {
      const real = realPath(shown);
      if (real !== null && above.includes(real)) {
        findings.fault(include, `<include> of ${shown}, which is being read already; a file cannot include itself`);
      } else if (this.#sources.length >= maxFiles || this.#totalBytes > maxTotalBytes) {
        findings.fault(include, `more than ${maxFiles} files or 256 MiB are included; include less`);
        return children;
      } else for (const child of this.#readFile(shown, [...above], include)?.children ?? []) children.push(child);
    }
    return children;
  }
}

const includeParents: ReadonlySet<string> = new Set(['config', 'group', 'alerts']);

function realPath(file: string): string | null {
  try {
    return realpathSync(file);
  } catch {
    return null;
  }
}

/**
 * Returns the files that match a pattern, folder by folder, in the order of their names. A folder that cannot be listed
 * counts as empty.
 */
function expand(base: string, pattern: string): readonly string[] {
  let places = [base];
  const parts = pattern.split('/').filter((part) => part !== '');
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    places = places.flatMap((place) => {
      if (!isGlob(part)) return [path.join(place, part)];
      const matches = fileNameMatcher(part);
      return entries(place)
        .filter((entry) => matches(entry.name) && (isLast ? !entry.isDirectory() : !entry.isFile()))
        .map((entry) => path.join(place, entry.name))
        .sort();
    });
  }
  return places.filter(isThere);
}

/**
 * True if there is something of this name: a link that leads nowhere too, so that it is not passed over. A folder that
 * this account may not enter, as root's is for `sudo -u`, has nothing for it.
 */
export function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Returns the target of a symbolic link, without invisible characters. Returns null for any other file. */
function linkTarget(file: string): string | null {
  try {
    return oneLine(readlinkSync(file));
  } catch {
    return null;
  }
}

function entries(folder: string): { name: string; isDirectory(): boolean; isFile(): boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
