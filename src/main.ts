#!/usr/bin/env node
console.log("muninn");
