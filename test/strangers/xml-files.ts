/** XML as other projects have it, whole and damaged: well-formed for this program only if it is for xmllint. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { xmlFaults } from '../../src/config/xml/well-formed.ts';
import { createFindings } from '../../src/config/xml/findings.ts';
import { parseElements } from '../../src/config/xml/parse-elements.ts';
import { createRandom } from '../fuzz/random.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { filesIn, type Corpus } from './corpus.ts';
import { thrownWords, type Case, type Outcome, type Subject } from './subject.ts';

/** The damaged variants of a file. */
const variants = 8;
const maxBytes = 100_000;

export const xmlFiles: Subject = {
  name: 'xml',
  packages: ['libxml2', 'systemd', 'icinga2', 'apache2', 'python3.13'],
  cases: function* (corpora) {
    const scratch = path.join(tempFolder(), 'file.xml');
    for (const corpus of corpora) {
      for (const file of filesIn(corpus.folder, /\.(?:xml|xsd|rng|svg|xhtml|xsl|glade|ui)$/))
        yield* casesOf(corpus, file, scratch);
    }
  },
};

function* casesOf(corpus: Corpus, file: string, scratch: string): Generator<Case> {
  // The reader removes a byte order mark.
  const text = readFileSync(file, 'utf8').replace(/^\ufeff/, '');
  if (text.length > maxBytes) return;
  const name = path.relative(corpus.folder, file);
  yield { corpus, name, ...judged(text, scratch) };
  // Without its texts and declarations a file is of the part of XML that config.xml may use.
  const bare = bareElements(text);
  yield { corpus, name: `${name}, elements alone`, ...judged(bare, scratch) };
  const random = createRandom(text.length);
  for (let variant = 0; variant < variants; variant += 1) {
    const at = random.below(bare.length);
    const letter = random.pick(['', '<', '>', '"', "'", '/', '=', '&', ' ', '-', '!', '?', 'x']);
    const damaged = bare.slice(0, at) + letter + bare.slice(at + random.below(3));
    yield { corpus, name: `${name}, ${JSON.stringify(letter)} at ${at}`, ...judged(damaged, scratch) };
  }
}

function bareElements(text: string): string {
  return text
    .replace(/<!DOCTYPE[^[>]*(?:\[[^\]]*\]\s*)?>/g, '')
    .replace(/<!\[CDATA\[[^]*?\]\]>/g, '')
    .replace(/>[^<]*</g, '>\n<');
}

/** The parts of XML that config.xml may not use, by the words that refuse them. */
const notForConfig =
  /DOCTYPE|CDATA|text between the tags|another encoding|another version|no known entity|nested more than|web page|there is no element|has no attribute/;

function judged(text: string, scratch: string): { readonly outcome: Outcome; readonly words: string } {
  writeFileSync(scratch, text);
  const { status, stderr } = spawnSync('xmllint', ['--noout', '--nonet', scratch], { encoding: 'utf8' });
  const isWell = status === 0;
  const theirs = stderr.split('\n')[0]?.replace(/^.*?: /, '') ?? '';
  try {
    const faults = xmlFaults(text);
    const words = faults.map(({ message }) => message).join('; ');
    if (faults.length > 0) {
      const isReason = !isWell || faults.every(({ message }) => notForConfig.test(message));
      return { outcome: isReason ? 'refused' : 'wrong', words: isReason ? words : `well-formed, but: ${words}` };
    }
    // xmllint asks more of namespaces than XML does, and does not call it malformed.
    if (!isWell) return { outcome: 'wrong', words: `taken, but: ${theirs}` };
    const source = { shown: 'file.xml', path: scratch, order: 0, mode: 0, uid: 0, gid: 0 };
    parseElements(text, source, createFindings());
    return { outcome: 'read', words: 'well-formed' };
  } catch (thrown) {
    return { outcome: 'wrong', words: thrownWords(thrown) };
  }
}
