//! Prints the tables of docs/sandbox.md.

fn main() {
    print!("{}", letmein_sandbox::document::tables());
}
