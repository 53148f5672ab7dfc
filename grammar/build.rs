//! Compiles the grammar beside this file; the generated parser goes to `OUT_DIR`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=grammar/policy.lalrpop");
    lalrpop::Configuration::new().set_in_dir("grammar").set_out_dir(std::env::var("OUT_DIR")?).process()
}
