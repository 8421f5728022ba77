// What programs load; index.d.ts declares it.
module.exports = require('./dist/index.js')
