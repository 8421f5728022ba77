//! The Node.js binding of mmfile-core.
