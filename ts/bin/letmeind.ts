#!/usr/bin/env node
import { start } from '../daemon/start.js';
import { PROGRAM, runDoor } from '../door/letmeind.js';

start(PROGRAM, () => runDoor(process.argv));
