//! Prints the tables of docs/sandbox.md, between the lines that mark them there.

fn main() {
    println!("<!-- generated: node scripts/sandbox-document.mjs -->\n");
    println!("{}", letmein_sandbox::document::tables());
    println!("<!-- end of what is generated -->");
}
