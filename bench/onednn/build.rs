fn main() {
    println!("cargo:rerun-if-changed=src/onednn.cpp");
    cc::Build::new().cpp(true).std("c++17").file("src/onednn.cpp").compile("onednn_matmul");
    println!("cargo:rustc-link-lib=dnnl");
    println!("cargo:rustc-link-lib=gomp");
}
