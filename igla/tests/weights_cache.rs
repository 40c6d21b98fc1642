//! A cache of weights changes how long loading takes, and nothing else: whatever is in it, whoever writes to it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use generated::models::minilm::MiniLMQ8_0;
use igla::config::Config;
use igla::weights::Safetensors;
use igla::weights::cache::{Cache, Cached};
use igla_runtime::weights::Source;
use igla_runtime::{Ctx, Level, View, ViewMut};
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;

const WIDTH: usize = 64;
const LAYERS: usize = 2;
/// Two layers with six matrices each, and the table of words.
const ENTRIES: usize = 6 * LAYERS + 1;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A model directory with random weights, and a folder for the cache.
struct Desk {
    dir: TempDir,
}

impl Desk {
    fn new(seed: u32) -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        let config = format!(
            "{{\"hidden_size\": {WIDTH}, \"num_attention_heads\": 2, \"intermediate_size\": 96, \"vocab_size\": 20, \
             \"num_hidden_layers\": {LAYERS}, \"max_position_embeddings\": 8, \"type_vocab_size\": 2}}"
        );
        fs::write(desk.path("config.json"), config).unwrap();
        desk.write_model(seed);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write_model(&self, seed: u32) {
        let (d, f) = (WIDTH, 96);
        let mut shapes = vec![
            ("embeddings.word_embeddings.weight".to_owned(), vec![20, d]),
            ("embeddings.position_embeddings.weight".to_owned(), vec![8, d]),
            ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, d]),
            ("embeddings.LayerNorm.weight".to_owned(), vec![d]),
            ("embeddings.LayerNorm.bias".to_owned(), vec![d]),
        ];
        for layer in 0..LAYERS {
            for (name, rows, cols) in [
                ("attention.self.query", d, d),
                ("attention.self.key", d, d),
                ("attention.self.value", d, d),
                ("attention.output.dense", d, d),
                ("intermediate.dense", f, d),
                ("output.dense", d, f),
            ] {
                shapes.push((format!("encoder.layer.{layer}.{name}.weight"), vec![rows, cols]));
                shapes.push((format!("encoder.layer.{layer}.{name}.bias"), vec![rows]));
            }
            for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
                shapes.push((format!("encoder.layer.{layer}.{name}.weight"), vec![d]));
                shapes.push((format!("encoder.layer.{layer}.{name}.bias"), vec![d]));
            }
        }
        let mut state = u64::from(seed);
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1 << 23) as f32) - 1.0
        };
        let data: Vec<Vec<u8>> = shapes
            .iter()
            .map(|(_, shape)| {
                (0..shape.iter().product()).flat_map(|_: usize| random().to_le_bytes()).collect()
            })
            .collect();
        let views = shapes.iter().zip(&data).map(|((name, shape), data)| {
            (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
        });
        fs::write(self.path("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    }

    fn file(&self) -> Safetensors {
        Safetensors::open(&self.path("model.safetensors")).unwrap()
    }

    fn cache(&self) -> Cache {
        Cache::at(self.path("cache"))
    }

    /// What the model makes of some tokens, as bits.
    fn run(&self, source: &dyn Source) -> Vec<u32> {
        let model = MiniLMQ8_0::load(source, &Config::open(&self.path("config.json")).unwrap()).unwrap();
        let mut y = vec![0.0; 2 * WIDTH];
        let (tok, mask) = ([1, 2, 3, 4, 19, 0, 0, 7], [1.0; 8]);
        let (tok, mask) = (View::new(&tok, [2, 4]).unwrap(), View::new(&mask, [2, 4]).unwrap());
        let out = ViewMut::new(&mut y, [2, WIDTH]).unwrap();
        model.forward(&mut Ctx::with(Level::best(), 1), tok, mask, out).unwrap();
        y.into_iter().map(f32::to_bits).collect()
    }

    fn plain(&self) -> Vec<u32> {
        self.run(&self.file())
    }

    /// The result with the cache, and its notes.
    fn cached(&self) -> (Vec<u32>, Vec<String>) {
        let cache = self.cache();
        (self.run(&Cached::new(&self.file(), &cache)), cache.notes())
    }

    /// All files below the cache, in order.
    fn entries(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            list(&self.path("cache")).iter().flat_map(|folder| list(folder)).collect();
        files.sort();
        files
    }
}

fn list(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

/// Replaces a file, which may be one that cannot be written to.
fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// What is another one if a file was written again.
fn stamps(files: &[PathBuf]) -> Vec<(PathBuf, SystemTime)> {
    files.iter().map(|file| (file.clone(), file.metadata().unwrap().modified().unwrap())).collect()
}

fn set_age(path: &Path, age: Duration) {
    File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

#[test]
fn results_are_the_same_and_entries_are_used() {
    let desk = Desk::new(1);
    let expected = desk.plain();
    assert!(desk.entries().is_empty());
    assert_eq!(desk.cached(), (expected.clone(), vec![]));
    let entries = desk.entries();
    assert_eq!(entries.len(), ENTRIES);
    assert!(entries.iter().all(|entry| entry.metadata().unwrap().permissions().readonly()));
    let made = stamps(&entries);
    assert_eq!(desk.cached(), (expected.clone(), vec![]));
    assert_eq!(stamps(&desk.entries()), made, "nothing is written again");
    // Entries are what loading takes: without the matrices it still works.
    fs::remove_file(&entries[0]).unwrap();
    assert_eq!(desk.cached(), (expected, vec![]));
    assert_eq!(desk.entries(), entries, "one is made again");
}

#[test]
fn damaged_entries_are_noted_and_made_again() {
    let desk = Desk::new(2);
    let expected = desk.plain();
    desk.cached();
    let entries = desk.entries();
    let whole: Vec<Vec<u8>> = entries.iter().map(|entry| fs::read(entry).unwrap()).collect();
    type Damage = fn(&[u8]) -> Vec<u8>;
    let damages: [(Damage, &str); 8] = [
        (|_| Vec::new(), "it should have 192 bytes, but has 0"),
        (|bytes| bytes[..100].to_vec(), "it should have 192 bytes, but has 100"),
        (|bytes| bytes[..bytes.len() - 1].to_vec(), "it should have "),
        (|bytes| [bytes, &[0]].concat(), "it should have "),
        (|bytes| flipped(bytes, 0), "this is no entry of kept weights"),
        (|bytes| flipped(bytes, 50), "its header is damaged"),
        (|bytes| flipped(bytes, bytes.len() - 1), "its content is damaged"),
        (|_| b"<html>not found</html>".repeat(20), "this is no entry of kept weights"),
    ];
    for (damage, problem) in damages {
        for (entry, whole) in entries.iter().zip(&whole) {
            replace(entry, &damage(whole));
        }
        let (found, notes) = desk.cached();
        assert_eq!(found, expected, "{problem}");
        assert_eq!(notes.len(), ENTRIES);
        assert!(
            notes.iter().all(|note| note.contains(problem) && note.contains("is made anew")),
            "{notes:?}"
        );
        for (entry, whole) in entries.iter().zip(&whole) {
            assert_eq!(&fs::read(entry).unwrap(), whole, "{problem}");
        }
        assert_eq!(desk.cached(), (expected.clone(), vec![]));
    }
    // Entries that are whole, but in each other's place.
    for (entry, other) in entries.iter().zip(whole.iter().cycle().skip(1)) {
        replace(entry, other);
    }
    let (found, notes) = desk.cached();
    assert_eq!((found, notes.len()), (expected.clone(), ENTRIES));
    assert!(notes[0].contains("belongs to another tensor"), "{notes:?}");
    // A folder where an entry should be stays, and is said.
    fs::remove_file(&entries[0]).unwrap();
    fs::create_dir(&entries[0]).unwrap();
    let (found, notes) = desk.cached();
    assert_eq!((found, notes.len()), (expected, 2));
    assert!(notes[1].contains("weights cannot be kept for the next run"), "{notes:?}");
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0x10;
    bytes
}

#[test]
#[cfg(unix)]
fn a_model_that_was_replaced_is_not_mistaken_for_the_old_one() {
    let desk = Desk::new(3);
    let model = desk.path("model.safetensors");
    let old = desk.cached().0;
    let (entries, modified) = (desk.entries(), model.metadata().unwrap().modified().unwrap());
    // Other numbers in the same place, of the same size and apparent age. Clocks of file systems have some milliseconds.
    std::thread::sleep(Duration::from_millis(50));
    desk.write_model(4);
    File::options().write(true).open(&model).unwrap().set_modified(modified).unwrap();
    let new = desk.plain();
    assert_ne!(new, old);
    assert_eq!(desk.cached(), (new, vec![]));
    let left = desk.entries();
    assert_eq!(left.len(), ENTRIES, "entries of the old state are gone");
    assert!(left.iter().all(|entry| !entries.contains(entry)));
}

#[test]
fn models_at_other_places_have_other_entries() {
    let (desk, other) = (Desk::new(5), Desk::new(6));
    let (cache, expected) = (desk.cache(), other.plain());
    desk.run(&Cached::new(&desk.file(), &cache));
    assert_eq!(other.run(&Cached::new(&other.file(), &cache)), expected);
    assert_eq!(desk.entries().len(), 2 * ENTRIES, "neither removes those of the other");
}

#[test]
fn several_writers_at_once() {
    let desk = Desk::new(7);
    let expected = desk.plain();
    for _ in 0..4 {
        std::thread::scope(|scope| {
            let runs: Vec<_> = (0..6).map(|_| scope.spawn(|| desk.cached())).collect();
            for run in runs {
                assert_eq!(run.join().unwrap(), (expected.clone(), vec![]));
            }
        });
        let entries = desk.entries();
        assert_eq!(entries.len(), ENTRIES, "nothing unfinished is left: {entries:?}");
        assert_eq!(desk.cached(), (expected.clone(), vec![]));
        entries.iter().for_each(|entry| fs::remove_file(entry).unwrap());
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_only_noted() {
    let desk = Desk::new(8);
    let expected = desk.plain();
    // A file in its place, so that it is refused to root as well.
    fs::write(desk.path("cache"), "mine").unwrap();
    let (found, notes) = desk.cached();
    assert_eq!((&found, notes.len()), (&expected, 1), "{notes:?}");
    assert!(notes[0].contains("weights cannot be kept for the next run"), "{notes:?}");
    assert_eq!(fs::read(desk.path("cache")).unwrap(), b"mine");
    fs::remove_file(desk.path("cache")).unwrap();

    fs::create_dir(desk.path("cache")).unwrap();
    let set = |readonly| {
        let mut permissions = desk.path("cache").metadata().unwrap().permissions();
        permissions.set_readonly(readonly);
        fs::set_permissions(desk.path("cache"), permissions).unwrap();
    };
    set(true);
    let refused = fs::write(desk.path("cache/probe"), "").is_err();
    let (found, notes) = desk.cached();
    assert_eq!((found, notes.len()), (expected, usize::from(refused)), "{notes:?}");
    set(false);
}

#[test]
fn what_is_not_used_is_removed_and_nothing_else() {
    let desk = Desk::new(9);
    desk.cached();
    let entries = desk.entries();
    let folder = entries[0].parent().unwrap().to_owned();
    let elsewhere = desk.path("cache/0123456789abcdef");
    fs::create_dir(&elsewhere).unwrap();
    let entry = |age: u32, n: u32| {
        let path = elsewhere.join(format!("0123456789abcdef-{n:032x}.kept"));
        fs::write(&path, "x").unwrap();
        set_age(&path, DAY * age);
        path
    };
    let (old, young) = (entry(31, 1), entry(29, 2));
    let foreign = [elsewhere.join("notes.txt"), desk.path("cache/notes.txt"), folder.join("mine.kept")];
    let unfinished = [folder.join(".new-1"), folder.join(".new-2")];
    for path in foreign.iter().chain(&unfinished) {
        fs::write(path, "x").unwrap();
        set_age(path, DAY * 100);
    }
    set_age(&unfinished[1], Duration::from_secs(3600));
    // Used last within a month, and long ago: both are used now.
    set_age(&entries[1], DAY * 10);
    set_age(&entries[2], DAY * 100);
    desk.cached();
    let used = |entry: &Path| entry.metadata().unwrap().modified().unwrap().elapsed().unwrap() < DAY;
    assert!(used(&entries[1]) && used(&entries[2]));
    assert!(old.exists(), "nothing was written, so nothing is removed");
    fs::remove_file(&entries[0]).unwrap();
    desk.cached();
    let there = |path: &PathBuf| path.exists();
    assert!(!old.exists() && young.exists() && foreign.iter().all(there) && entries.iter().all(there));
    assert_eq!(unfinished.map(|path| path.exists()), [false, true]);
}

#[test]
fn off_is_no_folder() {
    assert!(Cache::named("off".into()).is_none());
    assert!(Cache::named("./off".into()).is_some());
}
