import { flag, many, text } from '../command/define-command.ts';

export const retireParameters = {
  id: text('<id>', 'the id in `keys list`, or its first characters'),
  except: many(text('--except <client>', 'a client whose waiting reports are given up (may be repeated)')),
  force: flag('--force', 'delete the key even if reports may wait for it'),
} as const;
