//! A shim over SQLite's own file layer: what the store does to a watched directory is told to its [`Disk`], which may
//! make it fail. Registered as the default, so that the real store uses it unchanged; a file outside the watched
//! directories is opened by the layer below as if the shim were not there.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex, Once, OnceLock};

use rusqlite::ffi;

use super::disk::{Access, Disk, FileId, Verdict};

/// The directories under watch.
static WATCHED: Mutex<Vec<(PathBuf, Arc<Disk>)>> = Mutex::new(Vec::new());

/// Tells `disk` of everything that happens to the files of `directory`, until the answer is dropped.
pub(super) fn watch(directory: &Path, disk: &Arc<Disk>) -> Watch {
    register();
    let directory = directory.canonicalize().unwrap();
    WATCHED.lock().unwrap().push((directory.clone(), Arc::clone(disk)));
    Watch(directory)
}

/// Ends the watch over a directory.
pub(super) struct Watch(PathBuf);

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHED.lock().unwrap().retain(|(directory, _)| *directory != self.0);
    }
}

/// Whose file this is, and its name there.
fn watcher(path: &CStr) -> Option<(Arc<Disk>, String)> {
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    let (directory, name) = (path.parent()?, path.file_name()?.to_str()?);
    let watched = WATCHED.lock().unwrap();
    let (_, disk) = watched.iter().find(|(watched, _)| watched == directory)?;
    Some((Arc::clone(disk), name.to_owned()))
}

/// The layer below. It lives as long as the process and is never changed after it was registered.
struct Below(*mut ffi::sqlite3_vfs);
// SAFETY: SQLite itself uses the object from every thread; we only read its fields.
unsafe impl Send for Below {}
// SAFETY: as above.
unsafe impl Sync for Below {}

static BELOW: OnceLock<Below> = OnceLock::new();

fn below() -> *mut ffi::sqlite3_vfs {
    BELOW.get().unwrap().0
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the default layer is found or null. The copy keeps its functions, which do not look at the object
        // they are called with, and is leaked: SQLite keeps the pointer for the life of the process.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
            let default = ffi::sqlite3_vfs_find(ptr::null());
            assert!(!default.is_null());
            BELOW.set(Below(default)).ok().unwrap();
            let mut shim = Box::new(ptr::read(default));
            shim.pNext = ptr::null_mut();
            shim.zName = c"forgetful".as_ptr();
            shim.szOsFile = c_int::try_from(size_of::<Shim>()).unwrap() + (*default).szOsFile;
            shim.xOpen = Some(open);
            shim.xDelete = Some(delete);
            assert_eq!(ffi::sqlite3_vfs_register(Box::into_raw(shim), 1), ffi::SQLITE_OK);
        }
    });
}

/// An open watched file as SQLite holds it. The file of the layer below follows it in the same piece of memory, whose
/// size is `szOsFile`; both are aligned to eight.
#[repr(C)]
struct Shim {
    base: ffi::sqlite3_file,
    watched: *mut Watched,
}

struct Watched {
    disk: Arc<Disk>,
    file: FileId,
}

/// The file of the layer below.
///
/// # Safety
/// `file` must have been opened by [`open`] as a watched file.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite gave `szOsFile` bytes, of which the first belong to `Shim`.
    unsafe { file.cast::<Shim>().add(1).cast() }
}

/// # Safety
/// As for [`real`].
unsafe fn watched<'a>(file: *mut ffi::sqlite3_file) -> &'a Watched {
    // SAFETY: set by `open`, freed by `close`, after which SQLite does not use the file.
    unsafe { &*(*file.cast::<Shim>()).watched }
}

/// Calls a method of the file below.
macro_rules! forward {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let real = real($file);
        ((*(*real).pMethods).$method.unwrap())(real $(, $argument)*)
    }};
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: called by SQLite as its documentation says; a file that is not watched is the layer's below alone, and
    // one that did not open has no methods, so that it is never closed.
    unsafe {
        let under = (*below()).xOpen.unwrap();
        let found = if name.is_null() { None } else { watcher(CStr::from_ptr(name)) };
        let Some((disk, short)) = found else {
            return under(below(), name, file, flags, out);
        };
        (*file).pMethods = ptr::null();
        if let Verdict::Fail { code, .. } = disk.ask(Access::Open) {
            return code;
        }
        let shim = file.cast::<Shim>();
        let real = shim.add(1).cast::<ffi::sqlite3_file>();
        let code = under(below(), name, real, flags, out);
        if code == ffi::SQLITE_OK {
            let file = disk.opened(&short);
            (*shim).watched = Box::into_raw(Box::new(Watched { disk, file }));
            (*shim).base.pMethods = &raw const METHODS;
        }
        code
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: called by SQLite with a name that ends in a zero.
    unsafe {
        let found = watcher(CStr::from_ptr(name));
        if let Some((disk, _)) = &found
            && let Verdict::Fail { code, .. } = disk.ask(Access::Delete)
        {
            return code;
        }
        let code = (*below()).xDelete.unwrap()(below(), name, sync);
        if let Some((disk, short)) = found.filter(|_| code == ffi::SQLITE_OK) {
            disk.deleted(&short, sync != 0);
        }
        code
    }
}

/// Version 2: without memory mapping, which would go past us.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

type File = *mut ffi::sqlite3_file;

// SAFETY, for all that follow: they are methods of watched files alone, called by SQLite as its documentation says,
// with buffers of the length it names.

unsafe extern "C" fn close(file: File) -> c_int {
    // SAFETY: see above; the box is not used after this.
    unsafe {
        let code = forward!(file, xClose);
        let watched = Box::from_raw((*file.cast::<Shim>()).watched);
        watched.disk.closed();
        code
    }
}

unsafe extern "C" fn read(file: File, into: *mut c_void, length: c_int, at: i64) -> c_int {
    // SAFETY: see above.
    unsafe {
        match watched(file).disk.ask(Access::Read) {
            Verdict::Fail { code, .. } => code,
            Verdict::Go => forward!(file, xRead, into, length, at),
        }
    }
}

unsafe extern "C" fn write(file: File, from: *const c_void, length: c_int, at: i64) -> c_int {
    // SAFETY: see above.
    unsafe {
        let watched = watched(file);
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(length).unwrap());
        let (bytes, after) = match watched.disk.ask(Access::Write) {
            Verdict::Go => (bytes, None),
            // What came before the error stands in the file.
            Verdict::Fail { code, share } => (&bytes[..bytes.len() * share / 4], Some(code)),
        };
        if !bytes.is_empty() {
            let code = forward!(file, xWrite, from, c_int::try_from(bytes.len()).unwrap(), at);
            if code != ffi::SQLITE_OK {
                return code;
            }
            watched.disk.written(watched.file, at, bytes);
        }
        after.unwrap_or(ffi::SQLITE_OK)
    }
}

unsafe extern "C" fn truncate(file: File, size: i64) -> c_int {
    // SAFETY: see above.
    unsafe {
        let watched = watched(file);
        if let Verdict::Fail { code, .. } = watched.disk.ask(Access::Truncate) {
            return code;
        }
        let code = forward!(file, xTruncate, size);
        if code == ffi::SQLITE_OK {
            watched.disk.truncated(watched.file, size);
        }
        code
    }
}

/// A sync is not passed on: what lasts is what the disk remembers, and the host's own file is read by nobody after the
/// power is gone.
unsafe extern "C" fn sync(file: File, _: c_int) -> c_int {
    // SAFETY: see above.
    unsafe {
        let watched = watched(file);
        if let Verdict::Fail { code, .. } = watched.disk.ask(Access::Sync) {
            watched.disk.sync_failed(watched.file);
            return code;
        }
        watched.disk.synced(watched.file);
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn file_size(file: File, size: *mut i64) -> c_int {
    // SAFETY: see above.
    unsafe { forward!(file, xFileSize, size) }
}

unsafe extern "C" fn lock(file: File, level: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { forward!(file, xLock, level) }
}

unsafe extern "C" fn unlock(file: File, level: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { forward!(file, xUnlock, level) }
}

unsafe extern "C" fn check_reserved_lock(file: File, out: *mut c_int) -> c_int {
    // SAFETY: see above.
    unsafe { forward!(file, xCheckReservedLock, out) }
}

unsafe extern "C" fn file_control(file: File, operation: c_int, argument: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { forward!(file, xFileControl, operation, argument) }
}

unsafe extern "C" fn sector_size(file: File) -> c_int {
    // SAFETY: see above.
    unsafe { forward!(file, xSectorSize) }
}

unsafe extern "C" fn device_characteristics(file: File) -> c_int {
    // SAFETY: see above.
    unsafe { forward!(file, xDeviceCharacteristics) }
}

unsafe extern "C" fn shm_map(file: File, page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe {
        match watched(file).disk.ask(Access::SharedMemory) {
            Verdict::Fail { code, .. } => code,
            Verdict::Go => forward!(file, xShmMap, page, size, extend, out),
        }
    }
}

unsafe extern "C" fn shm_lock(file: File, offset: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { forward!(file, xShmLock, offset, count, flags) }
}

unsafe extern "C" fn shm_barrier(file: File) {
    // SAFETY: see above.
    unsafe { forward!(file, xShmBarrier) }
}

unsafe extern "C" fn shm_unmap(file: File, delete: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { forward!(file, xShmUnmap, delete) }
}
