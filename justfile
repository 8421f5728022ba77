# Everything that CI runs.
ready:
    npm test

# The addon and the TypeScript.
build:
    npm run build

# Puts every file into its form.
format:
    npm run format
