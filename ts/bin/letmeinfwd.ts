#!/usr/bin/env node
import { start } from '../daemon/start.js';
import { PROGRAM, runJudge } from '../judge/letmeinfwd.js';

start(PROGRAM, () => runJudge(process.argv));
