import { writeFileSync } from 'node:fs';
import { platform } from './platform.js';
import { resources } from './resources.js';
import { sweep } from './sweep.js';
import { trial } from './trial.js';

// Into the given directory, for a check that what is committed is what the sources say.
const directory = process.argv[2] ?? '.';
for (const [name, board] of Object.entries({ sweep, trial, platform, resources })) {
  writeFileSync(`${directory}/${name}.json`, JSON.stringify(board, null, 2) + '\n');
}
